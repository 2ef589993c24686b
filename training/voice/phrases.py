# SPDX-License-Identifier: GPL-3.0-or-later
"""What the voice rehearses: sentence patterns and word lists of a bank's telephone agent and of daily life.

Data only. Braces name a slot that `corpus.py` fills; every number is a word already, because text is
verbalised before it reaches the voice.
"""

from __future__ import annotations

BANKS = (
    "Tellerline Bank",
    "Harbour Bank",
    "First Meadow Bank",
    "Union Savings",
    "Riverside Bank",
    "your bank",
)
ACCOUNTS = (
    "checking account", "savings account", "current account", "credit card", "debit card", "joint account",
    "business account", "mortgage account", "loan account", "money market account", "fixed deposit",
)  # fmt: skip
LOANS = (
    "personal loan", "car loan", "home loan", "renovation loan", "student loan", "mortgage", "business loan",
    "bridge loan", "credit line", "consumer loan", "education loan",
)  # fmt: skip
SHOPS = (
    "Green Valley Market", "Harbor Books", "the coffee shop", "City Power", "Sunrise Pharmacy",
    "the gas station", "Northwind Airlines", "Oak Street Dental", "Metro Transit", "the hardware store",
    "Bluebird Insurance", "Pine Hill School", "Evergreen Garden Supply", "the phone company",
    "Lakeside Hotel", "Golden Dragon Restaurant",
)  # fmt: skip
NAMES = (
    "James", "Mary", "Robert", "Linda", "Michael", "Susan", "David", "Karen", "Daniel", "Nancy", "Chen",
    "Patel", "Garcia", "Kim", "Wilson", "Taylor", "Anderson", "Thomas", "Jackson", "White", "Harris",
    "Martin", "Thompson", "Lopez", "Olsen", "Zhang", "Fisher", "Young", "Wang", "Li", "Emma", "Oliver",
    "Sophia", "Lucas", "Alice",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_PARTS = ("morning", "afternoon", "evening")
CURRENCIES = ("dollars", "dollars", "dollars", "euros", "pounds", "yuan", "Swiss francs")
LETTERS = (
    "A as in Alpha", "B as in Bravo", "C as in Charlie", "D as in Delta", "E as in Echo", "F as in Foxtrot",
    "G as in Golf", "H as in Hotel", "K as in Kilo", "L as in Lima", "M as in Mike", "N as in November",
    "P as in Papa", "R as in Romeo", "S as in Sierra", "T as in Tango", "V as in Victor", "X as in X ray",
    "Y as in Yankee", "Z as in Zulu",
)  # fmt: skip

# Said word for word at least once: the sentences every call contains deserve not to be left to chance.
FIXED = (
    "Welcome.", "Hello.", "Good morning.", "Good afternoon.", "Good evening.", "Goodbye.", "Thank you.",
    "Okay.", "All right.", "Sure.", "Of course.", "Yes.", "No.", "I see.", "One moment, please.",
    "Just a moment.", "Let me check that for you.", "Are you still there?", "Hello, are you still there?",
    "Sorry about that.", "I am an automated assistant.", "I am the bank's automated voice assistant.",
    "You are speaking with a machine.", "This call is recorded.",
    "This call may be recorded for quality and training purposes.",
    "This call is recorded for your protection and ours.", "You can ask for a person at any time.",
    "How can I help you?", "How can I help you today?", "What can I do for you?",
    "Could you please repeat that?", "Sorry, I did not catch that.", "I'm sorry, I didn't understand.",
    "Could you say that in other words?", "Please say yes or no.", "Say yes to confirm, or no to cancel.",
    "Is that correct?", "Is that right?", "Did I get that right?",
    "Please enter your six digit code on the keypad.", "Then press the pound key.",
    "Please do not say your password out loud.", "We will never ask you for your password.",
    "Please do not share your one time code with anyone.",
    "For your security, I need to verify your identity.", "Please tell me your date of birth.",
    "Please enter your telephone banking code, followed by the hash key.", "That code is not correct.",
    "Please try again.", "You have one attempt left.", "Thank you, you are verified.",
    "I could not verify you, so I am transferring you to a colleague.", "Please hold the line.",
    "All our agents are busy at the moment.", "I will connect you to a customer service representative.",
    "Is there anything else I can help you with?", "Thank you for calling, and goodbye.", "Have a nice day.",
    "You can opt out of these calls at any time.", "I will not call you about this again.",
    "Would you like to hear the details?", "Shall I continue?", "Would you like me to repeat that?",
    "Am I speaking with the account holder?", "Is now a good time to talk?", "When should we call you back?",
    "I'm afraid I can't do that.", "I'm sorry, but I can't help with that over the phone.",
    "Unfortunately, your application was declined.", "Congratulations, your loan has been approved.",
    "This is only a preliminary decision.", "The final decision is made by a loan officer.",
    "You can withdraw your application within fourteen days.", "Your complaint has been registered.",
    "Your feedback is important to us.", "I have blocked your card.", "Your new card is on its way.",
    "There is no fee for this service.", "The rate is fixed for the whole term.", "The rate can change.",
    "The annual percentage rate includes all fees.", "Early repayment is possible at any time.",
)  # fmt: skip

BANKING = (
    "Welcome to {bank}.", "Hello, this is {bank}.", "Good {part}, and thank you for calling {bank}.",
    "Hello {name}, this is the automated assistant of {bank}, calling about your {loan}.",
    "Your {account} balance is {amount}.",
    "The available balance in your {account} is {amount}, as of {date}.",
    "I found {small} recent transactions on your {account}.", "On {date}, you paid {amount} to {shop}.",
    "A payment of {amount} to {shop} is pending.",
    "Shall I transfer {amount} from your {account} to your {account}?",
    "You asked me to transfer {amount} to {name}. Is that correct?",
    "Your card ending in {d4} has been blocked.",
    "Please say or enter the last four digits of your {account}.", "Thank you, {name}. You are now verified.",
    "Could you please repeat the amount?", "The payment is due on {date}.", "{amount}.",
    "{amount}, due on {date}.", "Your minimum payment is {amount}, and it is due on {date}.",
    "The reference number is {d6}.", "Your confirmation code is {d6}. Would you like me to repeat it?",
    "That is {d4}.", "I heard {d4}.", "I heard {d6}.", "The interest rate on your {account} is {percent}.",
    "The annual percentage rate is {percent}.", "At {percent}, your {loan} would cost {amount} a month.",
    "The exchange rate is {small} point {d2}.", "You can borrow up to {round}, at {percent} a year.",
    "You would like to borrow {round}, is that right?", "How much would you like to borrow?",
    "Over how many months would you like to repay it?",
    "The monthly payment for {round} over {term} is {amount}.", "Your {loan} of {round} has been approved.",
    "In total, you would repay {amount} over {term}.", "What is your monthly income after tax?",
    "What is the purpose of the {loan}?", "I can offer you a {loan} of {round} for {term}.",
    "We have a special offer on our {loan} until {date}.", "The offer ends on {weekday}, {date}.",
    "I'm sorry, but we can't offer you a {loan} at this time.",
    "The main reason is your debt to income ratio.", "Your current payments are too high for another {loan}.",
    "The smallest loan we offer is {round}.", "I can help you with balances, transfers, cards, and loans.",
    "Please hold while I transfer your call.", "For security, I need to verify your date of birth.",
    "Is your date of birth {date}?", "Your limit is {round}.", "The last deposit was {amount}, on {date}.",
    "A fee of {amount} was charged by {shop}.",
    "Your replacement card will arrive within {small} business days.",
    "We are open until {small} on {weekday}.",
    "The nearest branch is open from {hour} to {hour} on {weekday}.", "Your statement for {month} is ready.",
    "Would you like the statement by email or by mail?", "The overdraft limit on your {account} is {amount}.",
    "We could not complete the transfer, because the balance is too low.", "Your {loan} ends in {month}.",
    "The transfer to {name} was cancelled on {date}.", "Do you recognise the charge of {amount} at {shop}?",
    "Your application number is {d5}.", "Your monthly payment would be {amount} for {term}.",
    "You have {small} scheduled payments this month, and the next one is on {weekday}.",
    "Your account number ends in {d4}.", "Goodbye, {name}, and have a nice {part}.",
    "Am I speaking with {name}?", "Our records show a wire transfer of {amount} on {date}.",
    "Did you want {round} or {round}?", "An agent will call you on {weekday}, at {hour}.",
    "May we call you back on {date}, at {hour}?", "Would {weekday} at {hour} suit you?",
    "The first payment is due on {date}, and the last in {month}.",
    "You have not missed any payments in the last {term}.",
    "The early repayment fee is {percent} of the balance.", "{percent}.", "{date}.", "{term}, at {percent}.",
    "Your reference is {letter}, {d4}.", "That was {letter}.",
    "If you deposit {round} for {term}, you earn {percent}.",
    "I have noted your complaint under number {d5}.",
    "Your card was used in {shop} on {weekday}, for {amount}.", "Was it you who spent {amount} at {shop}?",
    "Say {small}, or press {small} on your keypad.", "Is the amount {amount}, or {amount}?",
    "I have lowered the limit of your {account} to {round}.",
    "Because of a holiday, we are closed on {weekday}.", "Please note that the call costs {cents} a minute.",
    "The daily limit of your {account} is {round}.",
)  # fmt: skip

# Frames for single dictionary words: they bring every diphone that banking sentences never use.
CARRIERS = (
    "The word is {word}.", "Please say {word} and {word} again.", "She wrote {word}, {word}, and {word}.",
    "Did you mean {word} or {word}?", "They found a {word} near the {word}.",
    "He said that the {word} was {word}.", "I think {word} is better than {word}.",
    "Every {word} needs a {word} with {word}.", "Now spell {word}, then {word}.",
    "Who told {word} about the {word}?", "There was no {word} in {word}.",
    "{word}, {word}, {word}, and {word}.", "We moved from {word} to {word}.",
    "Her {word} looks like a {word}.", "What does {word} mean to {word}?",
)  # fmt: skip

GENERAL = (
    "{The_who} {did} the {adj} {thing} {place}.", "{The_who} {did} {small} {adj} {thing}s {when}.",
    "Have you ever {done} a {adj} {thing}?", "Why did {the_who} {do} the {thing} {when}?",
    "{When_cap}, {the_who} {did} a {adj} {thing} and {did} another.", "It was {adj} and {adj} {place}.",
    "If {the_who} can {do} the {thing}, then so can you.",
    "The {adj} {thing} is {adj}, but the {thing} is not.", "Nobody {did} the {thing} {place} {when}.",
    "I would rather {do} a {thing} than {do} a {thing}.", "Don't {do} the {adj} {thing} {place}.",
    "Let's {do} the {thing} before {the_who} comes back.",
    "{The_who} thought that the {thing} {place} was {adj}.", "How many {thing}s did they {do} {when}?",
    "There are {small} {adj} {thing}s {place}.", "{The_who} usually {does} the {thing} {when}.",
    "My {thing} is as {adj} as your {thing}.", "Please {do} the {thing} {place}, and thank you.",
    "Whose {adj} {thing} is that {place}?", "They were {doing} the {thing} while it rained {place}.",
    "She has been {doing} {adj} {thing}s for {small} years.", "Which {thing} would you {do} first?",
    "We should {do} it {when}, said {the_who}.", "Everything {place} seemed {adj} {when}.",
)  # fmt: skip
WHO = (
    "the old teacher", "my youngest brother", "the doctor", "her neighbour", "a tall stranger",
    "the engineer", "our cousin", "the whole village", "the captain", "his grandmother", "the judge",
    "a clever child", "the farmer", "the pianist", "the chef", "the mayor", "that young woman",
    "the shoemaker", "the thief", "our guide",
)  # fmt: skip
# base form, third person, past, past participle, present participle
VERBS = (
    ("paint", "paints", "painted", "painted", "painting"),
    ("choose", "chooses", "chose", "chosen", "choosing"), ("throw", "throws", "threw", "thrown", "throwing"),
    ("measure", "measures", "measured", "measured", "measuring"),
    ("buy", "buys", "bought", "bought", "buying"), ("watch", "watches", "watched", "watched", "watching"),
    ("carry", "carries", "carried", "carried", "carrying"), ("find", "finds", "found", "found", "finding"),
    ("join", "joins", "joined", "joined", "joining"), ("use", "uses", "used", "used", "using"),
    ("question", "questions", "questioned", "questioned", "questioning"),
    ("sell", "sells", "sold", "sold", "selling"), ("push", "pushes", "pushed", "pushed", "pushing"),
    ("describe", "describes", "described", "described", "describing"),
    ("lose", "loses", "lost", "lost", "losing"), ("gather", "gathers", "gathered", "gathered", "gathering"),
    ("destroy", "destroys", "destroyed", "destroyed", "destroying"),
    ("hide", "hides", "hid", "hidden", "hiding"), ("clean", "cleans", "cleaned", "cleaned", "cleaning"),
    ("lift", "lifts", "lifted", "lifted", "lifting"), ("bring", "brings", "brought", "brought", "bringing"),
    ("judge", "judges", "judged", "judged", "judging"),
)  # fmt: skip
ADJECTIVES = (
    "yellow", "huge", "quiet", "smooth", "ancient", "curious", "thick", "narrow", "shiny", "broken", "wooden",
    "gentle", "cheap", "unusual", "rough", "square", "purple", "warm", "fresh", "loose", "awful", "royal",
    "hollow", "modern", "southern", "precious", "muddy", "tiny", "joyful", "brown", "vague", "weird",
    "strange", "usual", "cloudy",
)  # fmt: skip
THINGS = (
    "bridge", "pencil", "orange", "treasure", "garden", "vision", "boat", "feather", "church", "jewel",
    "thumb", "coin", "mirror", "window", "village", "mountain", "kitchen", "guitar", "theory", "package",
    "blanket", "engine", "cup", "road", "machine", "picture", "voyage", "cloud", "oyster", "book", "journey",
    "ladder", "hammer", "measure", "yard", "question", "puzzle", "shadow", "vegetable", "wheel", "cottage",
    "fountain", "garage", "uniform", "cathedral",
)  # fmt: skip
PLACES = (
    "in the north", "by the river", "under the bridge", "at the airport", "behind the house", "on the shelf",
    "above the clouds", "across the street", "near the station", "in our office", "around the corner",
    "at the beach", "between the trees", "without any noise", "through the window", "among the rocks",
    "inside the museum",
)  # fmt: skip
TIMES = (
    "yesterday", "last Thursday", "in the early morning", "every other day", "after lunch",
    "during the winter", "today", "before midnight", "next month", "for the third time", "as usual",
    "on purpose", "this evening", "once again",
)  # fmt: skip
