"""Turns printed pages into scans and photographs: resampled, tilted, noisy, unevenly lit, seeded."""

from __future__ import annotations

import io
import math
import random

import cv2
import numpy as np
import pypdfium2 as pdfium  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


def pages_of(data: bytes, dpi: int) -> list[Picture]:
    """Render every page of a PDF as RGB."""
    document = pdfium.PdfDocument(data)
    try:
        return [page.render(scale=dpi / 72, rev_byteorder=True).to_numpy()[:, :, :3].copy() for page in document]
    finally:
        document.close()


def scan(picture: Picture, rng: random.Random, *, tilt: float = 0.0, noise: float = 6.0, grey: bool = True) -> Picture:
    """Return the picture as a flatbed scanner gives it: slightly turned, grainy, with soft edges."""
    turned = _rotate(picture, tilt)
    soft = cv2.GaussianBlur(turned, (3, 3), 0.5)
    generator = np.random.default_rng(rng.randrange(1 << 30))
    grain = generator.normal(0, noise, soft.shape[:2])[:, :, None]
    levels = soft.astype(np.float32) * rng.uniform(0.85, 0.97) + rng.uniform(0, 12) + grain
    out = np.clip(levels, 0, 255).astype(np.uint8)
    if grey:
        flat = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)
        out = np.repeat(flat[:, :, None], 3, axis=2)
    return np.asarray(out, dtype=np.uint8)


def photograph(picture: Picture, rng: random.Random) -> Picture:
    """Return the page photographed by hand on a desk: perspective, a shadow, warm light, a dark border."""
    height, width = picture.shape[:2]
    pad = int(0.06 * width)
    desk = np.full((height + 2 * pad, width + 2 * pad, 3), (92, 74, 60), np.uint8)
    desk[pad : pad + height, pad : pad + width] = picture
    shift = 0.025 * width
    source = np.array([[0, 0], [desk.shape[1], 0], [desk.shape[1], desk.shape[0]], [0, desk.shape[0]]], np.float32)
    target = source + np.array([[rng.uniform(-shift, shift) for _ in range(2)] for _ in range(4)], np.float32)
    warped = cv2.warpPerspective(
        desk, cv2.getPerspectiveTransform(source, target), (desk.shape[1], desk.shape[0]), borderValue=(92, 74, 60)
    )
    shade = np.linspace(rng.uniform(0.65, 0.85), 1.0, warped.shape[1], dtype=np.float32)[None, :, None]
    lit = warped.astype(np.float32) * shade * np.array([1.0, 0.98, 0.93], np.float32)
    generator = np.random.default_rng(rng.randrange(1 << 30))
    noisy = lit + generator.normal(0, 5, lit.shape)
    return np.asarray(np.clip(noisy, 0, 255), dtype=np.uint8)


def _rotate(picture: Picture, degrees: float) -> Picture:
    if degrees == 0:
        return picture
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    across, down = int(height * sine + width * cosine), int(height * cosine + width * sine)
    matrix[0, 2] += across / 2 - width / 2
    matrix[1, 2] += down / 2 - height / 2
    return np.asarray(cv2.warpAffine(picture, matrix, (across, down), borderValue=(255, 255, 255)), dtype=np.uint8)


def as_pdf(pictures: list[Picture], *, dpi: int, quality: int = 70) -> bytes:
    """Return pictures as a PDF without text."""
    buffer = io.BytesIO()
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:], resolution=dpi, quality=quality)
    return buffer.getvalue()


def as_image(picture: Picture, kind: str, *, quality: int = 80) -> bytes:
    """Return one picture as a PNG, JPEG or TIFF file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return buffer.getvalue()
