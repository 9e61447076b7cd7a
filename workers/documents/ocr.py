"""Recognises the words of a picture with rapidocr, or with tesseract where only that is installed.

The models load on first use, once per process, and take about half a gigabyte with their working memory.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
from functools import lru_cache
from typing import Any

from workers.documents.dewarp import straightened
from workers.documents.errors import UnreadableBroken, UnreadableTooLarge, UnreadableWithoutOcr
from workers.documents.limits import MAX_DETECTION_SIDE_PX, MAX_IMAGE_PIXELS, MAX_OCR_PAGES, MAX_OCR_SIDE_PX
from workers.documents.misread import mended
from workers.documents.model import Page, Word
from workers.documents.upright import level, sideways

_MIN_SCORE = 0.5
_GLANCE_SIDE_PX = 1_000
_TABLE_PX = (400, 120)


def available() -> bool:
    """Tell whether any text recogniser is installed."""
    return _rapidocr_installed() or shutil.which("tesseract") is not None


def _rapidocr_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime", "cv2"))


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "warning",
            "Global.max_side_len": MAX_OCR_SIDE_PX,
            "Global.return_word_box": True,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": MAX_DETECTION_SIDE_PX,
        }
    )


def recognise(image: Any, *, number: int, scale: float) -> Page:
    """Return the page seen in `image`.

    Args:
        image: Height x width x 3 array of 8-bit RGB.
        number: The page's number, from 1.
        scale: Pixels per point.

    Raises:
        UnreadableWithoutOcr: No recogniser is installed.
    """
    if _rapidocr_installed():
        words, size = _rapid(image)
    elif shutil.which("tesseract") is not None:
        words, size = _tesseract(image)
    else:
        raise UnreadableWithoutOcr("it is a scan, and text recognition is not installed; pip install 'qconsole[ocr]'")
    placed = tuple(
        Word(word.text, word.x0 / scale, word.top / scale, word.x1 / scale, word.bottom / scale, word.score)
        for word in mended(words)
    )
    return Page(number, size[0] / scale, size[1] / scale, placed, scanned=True)


def _found(image: Any) -> tuple[Any, Any]:
    """Return a picture turned upright, and what is recognised in it."""
    import numpy as np

    turned = np.ascontiguousarray(np.rot90(image, _quarters(image)))
    return turned, _engine()(turned, use_det=True, use_cls=False, use_rec=True)


def _rapid(image: Any) -> tuple[list[Word], tuple[int, int]]:
    import cv2
    import numpy as np

    image = straightened(image)
    turned, found = _found(image)
    if found.boxes is None:  # specks may hide all text
        turned, found = _found(cv2.medianBlur(np.ascontiguousarray(image), 3))
    image = turned
    if found.boxes is None:
        return [], (image.shape[1], image.shape[0])
    words = level([word for line in found.word_results for word in line if word[1] >= _MIN_SCORE])
    return words, (image.shape[1], image.shape[0])


def _quarters(image: Any) -> int:
    """Return by how many quarter turns, anticlockwise, the text of a picture comes to stand upright.

    Text is found on a small copy; which of the two remaining ways is up, a few of its lines tell when read both ways.
    """
    import cv2
    import numpy as np

    shrink = min(1.0, _GLANCE_SIDE_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    boxes = _engine()(small, use_det=True, use_cls=False, use_rec=False).boxes
    if boxes is None or len(boxes) == 0:
        return 0
    turn = 1 if sideways(boxes) else 0
    crops = [np.rot90(crop, turn) for crop in _longest_lines(image, boxes / shrink)]
    as_is = sum(_certainty(np.ascontiguousarray(crop)) for crop in crops)
    flipped = sum(_certainty(np.ascontiguousarray(np.rot90(crop, 2))) for crop in crops)
    return turn + (2 if flipped > as_is + 0.1 else 0)


def _longest_lines(image: Any, boxes: Any) -> list[Any]:
    """Cut the longest boxes of text, up to five, out of a picture."""
    bounds = [(box[:, 0].min(), box[:, 1].min(), box[:, 0].max(), box[:, 1].max()) for box in boxes]
    bounds.sort(key=lambda bound: -max(bound[2] - bound[0], bound[3] - bound[1]))
    crops = [image[max(0, int(y0)) : int(y1), max(0, int(x0)) : int(x1)] for x0, y0, x1, y1 in bounds[:5]]
    return [crop for crop in crops if min(crop.shape[:2]) > 3]


def _certainty(crop: Any) -> float:
    """Return how surely a line of text is read, which is little when it is upside down."""
    scores = _engine()(crop, use_det=False, use_cls=False, use_rec=True).scores
    return float(scores[0]) if scores else 0.0


def _tesseract(image: Any) -> tuple[list[Word], tuple[int, int]]:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    run = subprocess.run(  # noqa: S603
        [shutil.which("tesseract") or "tesseract", "-", "-", "--psm", "4", "tsv"],
        input=buffer.getvalue(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    if run.returncode != 0:
        raise UnreadableBroken(f"text recognition failed: {run.stderr.decode(errors='replace').strip()[:200]}")
    words: list[Word] = []
    for line in run.stdout.decode(errors="replace").splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) == 12 and cells[11].strip() and float(cells[10]) > 30:
            x, y, width, height = (float(cell) for cell in cells[6:10])
            words.append(Word(cells[11].strip(), x, y, x + width, y + height, float(cells[10]) / 100))
    return words, (image.shape[1], image.shape[0])


def pictures(data: bytes) -> list[Any]:
    """Return the frames of an image file as RGB arrays, turned as its EXIF says.

    Raises:
        UnreadableBroken: The file is damaged.
        UnreadableTooLarge: It has more pixels or frames than the limits.
    """
    import numpy as np
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MAX_IMAGE_PIXELS
    frames: list[Any] = []
    try:
        with Image.open(io.BytesIO(data)) as image:
            for frame in ImageSequence.Iterator(image):
                if frame.width * frame.height > MAX_IMAGE_PIXELS:
                    raise UnreadableTooLarge(f"the picture must have at most {MAX_IMAGE_PIXELS} pixels")
                if len(frames) == MAX_OCR_PAGES:
                    raise UnreadableTooLarge(f"the picture must have at most {MAX_OCR_PAGES} frames; split it")
                flat = _flatten(ImageOps.exif_transpose(frame) or frame)
                frames.append(np.asarray(_sized(flat)))
    except Image.DecompressionBombError as error:
        raise UnreadableTooLarge(f"the picture must have at most {MAX_IMAGE_PIXELS} pixels") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnreadableBroken("the picture is damaged; ask the sender to send it again") from error
    return frames


def is_large_picture(data: bytes) -> bool:
    """Tell whether `data` is a picture with room for a table, which logos and the signs in signatures lack."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.width >= _TABLE_PX[0] and image.height >= _TABLE_PX[1]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def _flatten(image: Any) -> Any:
    """Put a transparent picture on white paper."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "P"):
        layered = image.convert("RGBA")
        paper = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(paper, layered).convert("RGB")
    return image.convert("RGB")


def _sized(image: Any) -> Any:
    """Shrink what is finer than recognition needs, enlarge what is coarser."""
    longest = max(image.size)
    if longest > MAX_OCR_SIDE_PX:
        factor = MAX_OCR_SIDE_PX / longest
    elif longest < 1100:
        factor = min(2.5, 1500 / longest)
    else:
        return image
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))
