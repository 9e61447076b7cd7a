"""Straightens a photographed page: finds its four corners on a darker ground and stretches them to a rectangle."""

from __future__ import annotations

import itertools
from typing import Any

_GLANCE_SIDE_PX = 600
_LEAST_SHARE, _MOST_SHARE = 0.25, 0.97  # of the picture that a page among other things covers
_MOST_UNLIKE = 1.6  # opposite sides of a page seen aslant
_LEAST_DISTINCT = 0.12
_LEAST_FILLED = 0.93  # of the four corners' area that is page


def straightened(image: Any) -> Any:
    """Return the page in `image` (height x width x 3, 8-bit RGB) seen from straight above, or `image` as it is."""
    import cv2
    import numpy as np

    shrink = min(1.0, _GLANCE_SIDE_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    corners = _page_corners(cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (7, 7), 0))
    if corners is None:
        return image
    corners = (corners + 0.5) / shrink
    width = max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
    height = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    size = (round(float(width)), round(float(height)))
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))


def _page_corners(grey: Any) -> Any | None:
    """Return the corners of the largest bright four-sided area, from the top left clockwise, or None."""
    import cv2
    import numpy as np

    otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    found: list[tuple[float, Any]] = []
    for level in (otsu, 0.75 * otsu, 0.5 * otsu):  # the lower ones take a page half in shadow whole
        bright = cv2.morphologyEx((grey > level).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:1]:
            corners = _four(outline)
            area = cv2.contourArea(outline)
            if corners is not None and _LEAST_SHARE < area / grey.size < _MOST_SHARE:
                found.append((_distinct(grey, corners), corners))
    best = max(found, key=lambda one: one[0], default=(0.0, None))
    return best[1] if best[0] > _LEAST_DISTINCT else None


def _distinct(grey: Any, corners: Any) -> float:
    """Return how much darker it is just outside the least distinct side than inside, as a share; one may be cut off."""
    import numpy as np

    inward = 0.02 * max(grey.shape)
    shares: list[float] = []
    for index in range(4):
        start, end = corners[index], corners[(index + 1) % 4]
        along = (end - start) / max(1.0, float(np.linalg.norm(end - start)))
        normal = np.array([-along[1], along[0]]) * inward
        points = start + (end - start) * np.linspace(0.1, 0.9, 40)[:, None]
        inside, outside = (np.rint(points + sign * normal).astype(int) for sign in (1, -1))
        seen = np.all((outside >= 0) & (outside < (grey.shape[1], grey.shape[0])), axis=1)
        if seen.sum() < 20:
            shares.append(-1.0)
            continue
        inside = np.clip(inside[seen], 0, (grey.shape[1] - 1, grey.shape[0] - 1))
        bright = grey[inside[:, 1], inside[:, 0]].astype(float)
        dark = grey[outside[seen][:, 1], outside[seen][:, 0]].astype(float)
        shares.append(float(np.median((bright - dark) / np.maximum(bright, 1.0))))
    return sorted(shares)[1] if shares.count(-1.0) == 1 else min(shares)


def _four(outline: Any) -> Any | None:
    """Return the four corners of an outline that has four and is like a page, else None."""
    import cv2
    import numpy as np

    hull = cv2.convexHull(outline)
    around = cv2.arcLength(hull, closed=True)
    shapes = (cv2.approxPolyDP(hull, share * around, closed=True) for share in (0.01, 0.02, 0.03, 0.05))
    shape = next((shape for shape in shapes if len(shape) == 4), None)
    if shape is None or cv2.contourArea(outline) < _LEAST_FILLED * cv2.contourArea(shape):
        return None
    points = shape.reshape(4, 2).astype(np.float32)
    middle = points.mean(axis=0)
    turned = points[np.argsort(np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0]))]
    first = int(np.argmin(turned.sum(axis=1)))
    corners = np.roll(turned, -first, axis=0)
    sides = [float(np.linalg.norm(corners[one] - corners[other])) for one, other in itertools.pairwise((0, 1, 2, 3, 0))]
    alike = all(max(a, b) < _MOST_UNLIKE * min(a, b) for a, b in ((sides[0], sides[2]), (sides[1], sides[3])))
    return corners if alike else None
