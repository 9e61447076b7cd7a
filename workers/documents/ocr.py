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

from workers.documents.errors import UnreadableBroken, UnreadableTooLarge, UnreadableWithoutOcr
from workers.documents.limits import MAX_IMAGE_PIXELS, MAX_OCR_PAGES, MAX_OCR_SIDE_PX
from workers.documents.model import Page, Word

_MIN_SCORE = 0.5
_UPRIGHT = 0.9


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
        for word in words
    )
    return Page(number, size[0] / scale, size[1] / scale, placed, scanned=True)


def _rapid(image: Any) -> tuple[list[Word], tuple[int, int]]:
    import numpy as np

    from workers.documents.upright import level, sideways

    found = _read(image)
    if found.boxes is not None and sideways(found.boxes):
        image = np.ascontiguousarray(np.rot90(image))
        found = _read(image)
    if found.boxes is not None and _certainty(found) < _UPRIGHT:
        flipped = np.ascontiguousarray(np.rot90(image, 2))
        again = _read(flipped)
        if again.boxes is not None and _certainty(again) > _certainty(found):
            image, found = flipped, again
    if found.boxes is None:
        return [], (image.shape[1], image.shape[0])
    words = level([word for line in found.word_results for word in line if word[1] >= _MIN_SCORE])
    return words, (image.shape[1], image.shape[0])


def _read(image: Any) -> Any:
    return _engine()(image)


def _certainty(found: Any) -> float:
    """Return how sure the recogniser is of its longer texts; text upside down is read unsurely."""
    scores = [float(score) for text, score in zip(found.txts, found.scores, strict=True) if len(text) >= 4]
    return sum(scores) / len(scores) if scores else 0.0


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
