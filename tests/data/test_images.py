from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image as Pillow

import world
from birthmark import BirthmarkError, Declaration, Image, ImageSet


def png(pixels: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def parquet(file: Path, data: list[bytes], labels: list[int] | None = None) -> Path:
    columns = {"image": [{"bytes": one, "path": None} for one in data]}
    table = pa.table(columns if labels is None else columns | {"label": labels})
    pyarrow.parquet.write_table(table, file, row_group_size=3)
    return file


PIXELS = np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7)


def test_the_same_images_from_folder_and_parquet_are_the_same_set(tmp_path: Path) -> None:
    for i, pixels in enumerate(PIXELS):
        file = tmp_path / "set" / str(i % 2) / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(pixels))
    folder = ImageSet.open(tmp_path / "set")
    table = ImageSet.open(parquet(tmp_path / "a.parquet", [png(p) for p in PIXELS], [*range(5)]))
    assert folder.digest == table.digest
    assert [image.label for image in folder] == [0, 0, 0, 1, 1]
    assert [image.label for image in table] == [0, 1, 2, 3, 4]
    assert [image.pixels[0, 0, 0] for image in table] == PIXELS[:, 0, 0].tolist()
    assert table[-1].pixels.shape == (6, 7, 1)


def test_row_groups_too_large_to_keep_are_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parquet(tmp_path / "a.parquet", [png(p) for p in PIXELS], [*range(5)])
    kept = ImageSet.open(file)
    monkeypatch.setattr("birthmark.data.images.parquet.MAX_GROUP", 1)
    streamed = ImageSet.open(file)
    assert [image.data for image in streamed] == [image.data for image in kept]
    assert streamed.digest == kept.digest


def columns_of(file: Path, **columns: object) -> ImageSet:
    pyarrow.parquet.write_table(pa.table(columns), file, row_group_size=2)
    return ImageSet.open(file)


def test_parquet_may_call_its_columns_what_the_hub_calls_them(tmp_path: Path) -> None:
    data = [png(pixels) for pixels in PIXELS]
    cells = [{"bytes": one, "path": None} for one in data]
    file = tmp_path / "a.parquet"
    for columns in (
        {"img": cells, "fine_label": [0, 1, 2, 0, 1], "coarse_label": [7] * 5},
        {"images": data, "labels": ["ant", "bee", "cow", "ant", "bee"]},
        {"photo": data, "other": [1.5] * 5, "class": pa.array([*"abcab"]).dictionary_encode()},
    ):
        images = columns_of(file, **columns)
        assert [image.label for image in images] == [0, 1, 2, 0, 1]
        assert [image.data for image in images] == data
    assert images.classes == ("a", "b", "c")
    assert [one.label for one in columns_of(file, image=data, target=[*"bab", None, "c"])] == [
        1,
        0,
        1,
        None,
        2,
    ]


def test_parquet_of_another_form_is_told_by_its_columns(tmp_path: Path) -> None:
    data = [png(PIXELS[0])]
    for columns, said in (
        ({"a": data, "b": data}, r"several columns that may hold images; .* a \(binary\), b"),
        ({"image": [{"bytes": None, "path": "x.png"}]}, "holds paths of images in 'image', not"),
        (
            {"image": [{"bytes": None, "path": "y.png"}, {"bytes": data[0], "path": "z.png"}]},
            r"row 0: holds only the path of an image, y\.png; name the folder",
        ),
        ({"image": pa.array([None], pa.binary())}, "row 0: holds no image bytes"),
        ({"image": data, "label": [0.5]}, "labels of double in 'label'; write integers or text"),
        ({"image": data, "label": ["x" * 201]}, "row 0: has a label of 201 characters"),
    ):
        with pytest.raises(BirthmarkError, match=said):
            columns_of(tmp_path / "a.parquet", **columns)
    (tmp_path / "a.parquet").unlink()
    columns_of(tmp_path / "0.parquet", image=data, label=[0])
    columns_of(tmp_path / "1.parquet", image=data, label=["a"])
    with pytest.raises(BirthmarkError, match="labels of both integers and text"):
        ImageSet.open(tmp_path)


def test_npz_and_arrays_are_the_same_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=PIXELS, labels=np.arange(5))
    opened = ImageSet.open(tmp_path / "a.npz")
    assert opened.digest == ImageSet.from_arrays(PIXELS).digest
    assert (opened[3].pixels[..., 0] == PIXELS[3]).all()
    assert opened[3].label == 3
    assert opened.without_labels()[3].label is None
    assert not opened.colour


def test_colour_and_grey_become_what_a_model_takes() -> None:
    colour = Image(png(np.full((4, 4, 3), (255, 0, 0))), "red")
    assert colour.picture(1, None, "bilinear").getpixel((0, 0)) == 76
    grey = Image(png(np.full((4, 4), 9)), "grey")
    assert grey.picture(3, (2, 2), "bilinear").getpixel((0, 0)) == (9, 9, 9)


def test_the_pixel_digest_tells_shapes_apart() -> None:
    flat, tall = (Image(png(np.zeros(shape)), "i").pixel_digest for shape in ((2, 8), (8, 2)))
    assert flat != tall


def huge_png() -> bytes:
    """A header that promises 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_bad_sets_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "a.png").write_bytes(png(PIXELS[0]))
    (tmp_path / "mixed" / "b.png").write_bytes(b"no image")
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    pyarrow.parquet.write_table(pa.table({"picture": [1]}), tmp_path / "other.parquet")
    np.savez(tmp_path / "names.npz", pictures=PIXELS)
    np.savez(tmp_path / "floats.npz", images=PIXELS / 255)
    np.savez(tmp_path / "objects.npz", images=np.array([{}], dtype=object))
    (tmp_path / "list.txt").write_text("a")
    parquet(tmp_path / "bomb.parquet", [huge_png()])
    for name, said in {
        "empty": "holds no images",
        "mixed": "b.png: is not a readable image",
        "table.parquet": "is not readable Parquet with a column of images",
        "other.parquet": "has no column of images; its columns are picture (int64)",
        "names.npz": "name the array of images 'images'",
        "floats.npz": "pass uint8",
        "objects.npz": "is not a readable npz of plain arrays",
        "list.txt": "has the ending '.txt'",
        "missing": "does not exist",
        "bomb.parquet": "row 0: is not a readable image (DecompressionBombError)",
    }.items():
        with pytest.raises(BirthmarkError) as error:
            ImageSet.open(tmp_path / name)
        assert said in str(error.value)


def test_a_truncated_image_is_named_when_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    whole = png(np.random.default_rng(0).integers(0, 255, (40, 40)))
    with pytest.raises(BirthmarkError, match=r"b\.png: is broken after its header"):
        _ = Image(whole[: len(whole) // 2], "b.png").pixels


def test_an_npz_bomb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(1 << 20))
    from birthmark.data.images import load_npz

    with pytest.raises(BirthmarkError, match="unpacks to over"):
        load_npz(file, 1 << 19)


@pytest.mark.skipif(not world.DATA.exists(), reason=f"no image sets in {world.DATA}")
def test_real_sets_open() -> None:
    faces = ImageSet.open(world.DATA / "orl" / "faces.parquet")
    assert len(faces) == 390
    assert faces.require_one_size() == (92, 112)
    assert not faces.colour
    assert faces[389].pixels.shape == (112, 92, 1)


def test_an_image_is_scaled_and_its_centre_is_cut() -> None:
    pixels = np.zeros((20, 41, 3), np.uint8)
    pixels[:, 20:22] = 255
    wide = ImageSet.from_arrays(pixels[None])[0]
    cut = wide.array(3, (10, 12), "nearest", 20)
    assert cut.shape == (12, 10, 3)
    assert cut[0, :, 0].tolist() == [0] * 5 + [255] * 2 + [0] * 3
    assert wide.array(3, (4, 4), "bilinear", (8, 6)).shape == (4, 4, 3)
    long = ImageSet.from_arrays(np.zeros((1, 1, 4000), np.uint8))[0]
    with pytest.raises(BirthmarkError, match="is 4000x1, which is 12000 long with a shorter side"):
        long.array(1, (3, 3), "bilinear", 3)
    with pytest.raises(BirthmarkError, match="scale_to is 7, too small to cut"):
        Declaration.of("v", world.DECLARED | {"scale_to": 7})
