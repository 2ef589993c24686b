# SPDX-License-Identifier: GPL-3.0-or-later
"""How `models/recognizer-en` is made from nothing: sentences, speech, training, export, evaluation."""
