"""What cameras, editors and data sets write, beyond a plain grey or colour image of 8 bits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image as Pillow

from birthmark import BirthmarkError, Image, ImageSet
from birthmark.data.images import entry_of

GREYS = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def saved(picture: Pillow.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


DEEP = (GREYS.astype(np.uint16) * 257, "PNG"), (GREYS.astype(np.uint16) * 257, "TIFF")
DEEPER = (GREYS.astype(np.int32) * 1000, "TIFF"), (GREYS.astype(np.float32) / 255, "TIFF")


@pytest.mark.parametrize(("pixels", "form"), [*DEEP, *DEEPER])
def test_grey_of_over_8_bits_is_refused_and_not_cut_to_two_levels(
    pixels: np.ndarray, form: str
) -> None:
    data = saved(Pillow.fromarray(pixels), form)
    with pytest.raises(
        BirthmarkError, match="x: has more than 8 bits per grey level; save it with 8"
    ):
        entry_of(data, "x", None)
    with pytest.raises(BirthmarkError, match="more than 8 bits"):
        _ = Image(data, "x").pixels


def test_colours_that_no_conversion_knows_are_named() -> None:
    with pytest.raises(BirthmarkError, match="x: has the colour mode LAB; save it as RGB"):
        entry_of(saved(Pillow.new("LAB", (4, 4)), "TIFF"), "x", None)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_stands_upright_as_its_exif_orientation_says(form: str, orientation: int) -> None:
    rows = {
        1: GREYS,
        2: GREYS[:, ::-1],
        3: GREYS[::-1, ::-1],
        4: GREYS[::-1],
        5: GREYS.T,
        6: GREYS[::-1].T,
        7: GREYS[::-1, ::-1].T,
        8: GREYS.T[::-1],
    }[orientation]
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = saved(
        Pillow.fromarray(GREYS), form, exif=exif, **({"lossless": True} if form == "WEBP" else {})
    )
    assert Image(data, "x").pixels[..., 0].tolist() == rows.tolist()
    assert entry_of(data, "x", None).size == rows.shape[::-1]


def test_transparency_is_left_out_and_grey_stays_grey() -> None:
    clear = Pillow.fromarray(GREYS)
    clear.putalpha(Pillow.fromarray(255 - GREYS))
    cells = Pillow.fromarray(GREYS % 3).convert("P")
    cells.putpalette([200, 10, 20, 30, 40, 50, 60, 70, 80])
    for picture, options, pixels in (
        (clear, {}, GREYS[..., None]),
        (Pillow.fromarray(GREYS > 100), {}, (GREYS > 100)[..., None] * 255),
        (
            cells,
            {"transparency": 0},
            np.array([[200, 10, 20], [30, 40, 50], [60, 70, 80]])[GREYS % 3],
        ),
        (Pillow.merge("RGBA", [Pillow.fromarray(GREYS)] * 4), {}, np.stack([GREYS] * 3, -1)),
    ):
        image = Image(saved(picture, "PNG", **options), "x")
        assert image.pixels.tolist() == pixels.tolist()
        assert entry_of(image.data, "x", None).colour == (pixels.shape[2] == 3)


def test_cmyk_becomes_rgb() -> None:
    red = Pillow.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert Image(saved(red, "TIFF"), "x").pixels[0, 0].tolist() == [255, 0, 0]


def test_several_pictures_in_a_file_are_refused_but_a_phones_second_one() -> None:
    pages = [Pillow.fromarray(GREYS), Pillow.fromarray(255 - GREYS)]
    for form in ("PNG", "WEBP", "TIFF"):
        data = saved(pages[0], form, save_all=True, append_images=pages[1:])
        with pytest.raises(BirthmarkError, match="x: holds several pictures; save the one"):
            entry_of(data, "x", None)
    phone = saved(Pillow.new("L", (8, 8), 50), "MPO", save_all=True, append_images=[pages[1]])
    assert Image(phone, "x").pixels[..., 0].tolist() == [[50] * 8] * 8


def folder(at: Path, *files: str) -> ImageSet:
    for i, name in enumerate(files):
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(saved(Pillow.new("L", (4, 4), i), "PNG"))
    return ImageSet.open(at)


def test_what_begins_with_a_dot_is_no_image_and_no_class(tmp_path: Path) -> None:
    images = folder(
        tmp_path,
        "cat/a.png",
        "cat/.ipynb_checkpoints/a.png",
        "dog/b.png",
        "dog/._b.png",
        ".DS_Store",
        ".cache/huggingface/c.parquet",
    )
    assert (images.classes, [one.label for one in images], images.notes) == (
        ("cat", "dog"),
        [0, 1],
        (),
    )


def test_parts_of_a_set_are_no_classes(tmp_path: Path) -> None:
    images = folder(tmp_path / "a", "train/cat/a.png", "train/dog/b.png", "val/dog/c.png")
    assert (images.classes, [one.label for one in images]) == (("cat", "dog"), [0, 1, 1])
    assert images.notes == (f"{tmp_path / 'a'}: took the images of train, val together.",)
    cars = folder(tmp_path / "b", "train/a.png", "bus/b.png")
    assert cars.classes == ("bus", "train")
    assert not cars.notes


def test_files_that_are_not_read_are_counted(tmp_path: Path) -> None:
    images = folder(tmp_path, "a/1.jfif", "a/2.heic", "a/3.HEIC", "b/4.gif", "b/5.png", "README")
    assert len(images) == 2
    assert images.notes == (
        f"{tmp_path}: left out 4 files that can't be read as images: 2 .heic, 1 .gif, 1 no ending.",
    )
    assert images.without_labels().notes == images.notes


def test_a_label_below_zero_is_none(tmp_path: Path) -> None:
    pixels = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4)
    images = ImageSet.from_arrays(pixels, [-1, 0, 2])
    assert [one.label for one in images] == [None, 0, 2]
    pyarrow.parquet.write_table(
        pa.table({"image": [one.data for one in images], "label": [-1, 1, 0]}),
        tmp_path / "a.parquet",
    )
    assert [one.label for one in ImageSet.open(tmp_path / "a.parquet")] == [None, 1, 0]


def table(file: Path, features: object, **columns: object) -> Path:
    made = pa.table(columns)
    said = json.dumps({"info": {"features": features}})
    pyarrow.parquet.write_table(made.replace_schema_metadata({"huggingface": said}), file)
    return file


def test_parquet_columns_are_what_the_schema_of_the_hub_says(tmp_path: Path) -> None:
    data = [saved(Pillow.new("L", (4, 4), i), "PNG") for i in range(2)]
    cells = [{"bytes": one, "path": None} for one in data]
    emotion = {"_type": "ClassLabel", "names": ["sad", "glad"]}
    file = table(
        tmp_path / "a.parquet",
        {"face": {"_type": "Image"}, "emotion": emotion, "mask": {"_type": "Value"}},
        mask=[b"1", b"2"],
        face=cells,
        emotion=[1, 0],
    )
    images = ImageSet.open(file)
    assert [one.data for one in images] == data
    assert ([one.label for one in images], images.classes) == ([1, 0], ("sad", "glad"))
    table(tmp_path / "b.parquet", {"label": emotion}, image=cells, label=[0, 2])
    with pytest.raises(BirthmarkError, match=r"the label 2, but its schema names 2 classes"):
        ImageSet.open(tmp_path / "b.parquet")
    table(
        tmp_path / "b.parquet",
        {"label": emotion | {"names": ["x", "y"]}},
        image=cells,
        label=[0, 1],
    )
    with pytest.raises(BirthmarkError, match="files that name their classes differently"):
        ImageSet.open(tmp_path)
