# SPDX-License-Identifier: GPL-3.0-or-later
"""One phone inventory for all teachers: the CMU set of flite and festival, to which espeak-ng's is mapped.

The classes are only an auxiliary target of the encoder, so a coarse map will do: an unknown name is ignored.
"""

from __future__ import annotations

_CMU_NAMES = """
pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh
"""
# A CMU phone and the mnemonics by which espeak-ng's English accents name its like.
_ESPEAK_NAMES = """
pau _ _: __ | ax @ a# @2 @5 | er 3 3: VR | ih I I2 I# i@ i@3 | iy i i: | eh E e@ | ae a aa | ah V
aa 0 A: A@ | ao O O2 O: O@ o@ | uh U U@ | uw u: | ow oU | ey eI | ay aI aI2 | aw aU | oy OI | l @L l l#
r r- r | th T | dh D | sh S | zh Z | ch tS | jh dZ | ng N | hh h | y j
t t# t2 t | w w# w | n n- n | b b | d d | f f | g g | k k
m m | p p | s s | v v | z z
"""
CMU = tuple(_CMU_NAMES.split())
CLASS_COUNT = len(CMU)
IGNORED = -1

_NUMBERS = {name: number for number, name in enumerate(CMU)} | {"h#": 0, "brth": 0, "axr": CMU.index("er")}
_ESPEAK_NUMBERS = {
    mnemonic: CMU.index(group.split()[0])
    for group in _ESPEAK_NAMES.replace("\n", "|").split("|")
    for mnemonic in group.split()[1:]
}


def phone_class(engine: str, name: str) -> int:
    """The class of a phone as the engine (espeak, flite, festival) names it, or `IGNORED`."""
    return (_ESPEAK_NUMBERS if engine == "espeak" else _NUMBERS).get(name, IGNORED)
