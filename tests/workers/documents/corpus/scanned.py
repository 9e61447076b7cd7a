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


def fax(picture: Picture, rng: random.Random) -> Picture:
    """Return the page as a fax prints it: black or white, with specks and a torn line or two."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    generator = np.random.default_rng(rng.randrange(1 << 30))
    sharp = np.where(grey.astype(np.float32) + generator.normal(0, 24, grey.shape) > 140, 255, 0).astype(np.uint8)
    for row in generator.integers(0, grey.shape[0], 2):
        sharp[row] = 255
    return np.repeat(sharp[:, :, None], 3, axis=2)


def coloured(picture: Picture, rng: random.Random) -> Picture:
    """Return the page on coloured paper, printed faintly."""
    paper = np.array(rng.choice(((255, 236, 150), (186, 224, 255), (255, 196, 200))), np.float32)
    ink = 90 + picture.astype(np.float32) / 255 * 165
    return np.asarray(np.clip(ink / 255 * paper, 0, 255), dtype=np.uint8)


def marked(picture: Picture, rng: random.Random) -> Picture:
    """Return the page as an office keeps it: stamped across, ticked by hand, a line or two underscored."""
    out = picture.copy()
    height, width = out.shape[:2]
    stamp = np.full_like(out, 255)
    place = (int(width * rng.uniform(0.35, 0.5)), int(height * rng.uniform(0.4, 0.55)))
    cv2.putText(
        stamp,
        rng.choice(("RECEIVED", "BEZAHLT", "PAYE")),
        place,
        cv2.FONT_HERSHEY_DUPLEX,
        width / 600,
        (170, 40, 40),
        3,
    )
    turn = cv2.getRotationMatrix2D((float(place[0]), float(place[1])), 14, 1.0)
    out = np.minimum(out, cv2.warpAffine(stamp, turn, (width, height), borderValue=(255, 255, 255)))
    for _ in range(4):
        x, y = int(width * rng.uniform(0.02, 0.06)), int(height * rng.uniform(0.3, 0.7))
        tick = np.array([[x, y], [x + width // 120, y + width // 90], [x + width // 40, y - width // 50]], np.int32)
        cv2.polylines(out, [tick], False, (30, 30, 160), max(2, width // 500), cv2.LINE_AA)
    return np.asarray(out, dtype=np.uint8)


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
