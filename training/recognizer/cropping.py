# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the features padded to 30 s a short turn needs: what makes it ten times faster to encode."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

AMBIGUOUS_FRAMES = 160
LONGEST_FRAMES = 3000
SHORTEST_FRAMES = 100


def cropped_frames(features: npt.NDArray[np.float32], trailing: int) -> int:
    """Frames to keep of features [80, frames]: up to the last that is not zero, and `trailing` of the zeros.

    Even, at least a second, and never 160: CTranslate2 takes an encoder output of 80 positions for mel bins
    and encodes it again, without a word.
    """
    used = np.flatnonzero(np.abs(features).sum(axis=0))
    frames = (int(used[-1]) + 1 if len(used) else 0) + trailing
    frames = min(LONGEST_FRAMES, max(SHORTEST_FRAMES, frames + frames % 2))
    return frames + 2 if frames == AMBIGUOUS_FRAMES else frames
