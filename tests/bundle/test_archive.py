from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from birthmark import BirthmarkError, Fingerprint
from birthmark.audit.rule import Rule
from birthmark.common.digests import canonical_json, sha256, sha256_of_file

V1 = Path(__file__).parents[1] / "files" / "v1.birthmark"


def test_what_was_written_is_read_and_written_again_alike(sealed: Path, tmp_path: Path) -> None:
    opened = Fingerprint.open(sealed)
    assert opened.save(tmp_path / "again") == opened.seal == sha256_of_file(sealed)
    assert (tmp_path / "again").read_bytes() == sealed.read_bytes()


def test_enrolling_again_gives_the_same_bytes(sealed: Path) -> None:
    import world

    again = world.fingerprint_of_digits()
    assert again.seal == sha256_of_file(sealed)
    assert world.fingerprint_of_digits(seed=1).seal != again.seal


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None], **options: Any) -> Path:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    out = file.with_name("changed.birthmark")
    with zipfile.ZipFile(out, "w", **options) as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o644 << 16
            member.compress_type = options.get("compression", zipfile.ZIP_STORED)
            archive.writestr(member, data)
        archive.comment = sha256(members.get("manifest.json", b"")).encode()
    return out


def manifest(**fields: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = canonical_json(json.loads(members["manifest.json"]) | fields)

    return change


def outputs(data: bytes) -> Callable[[dict[str, bytes]], None]:
    """Foreign outputs whose digest the manifest nevertheless confirms."""

    def change(members: dict[str, bytes]) -> None:
        members["outputs.safetensors"] = data
        manifest(outputs=sha256(data))(members)

    return change


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "probe": (lambda m: m.update({"probes/00003.jpg": b"x"}), "probes/00003.jpg: is not what"),
    "lost probe": (lambda m: m.pop("probes/00003.jpg"), "lacks probes/00003.jpg"),
    "lost outputs": (lambda m: m.pop("outputs.safetensors"), "lacks outputs.safetensors"),
    "lost manifest": (lambda m: m.pop("manifest.json"), "no manifest.json"),
    "foreign": (lambda m: m.update({"../evil": b"x"}), "the foreign member ../evil"),
    "no json": (lambda m: m.update({"manifest.json": b"{"}), "manifest.json: is not JSON"),
    "deep json": (
        lambda m: m.update({"manifest.json": b"[" * 10**5}),
        "manifest.json: is not JSON",
    ),
    "later": (manifest(format="birthmark-fingerprint/9"), "update birthmark"),
    "seed": (manifest(seed="a"), "manifest.json: seed should be a valid integer"),
    "extra": (manifest(more=1), "manifest.json: unknown field more"),
    "start": (manifest(start="\x1b[2J"), "manifest.json: start: no lineage could be"),
    "share": (
        manifest(population={"images": 9, "fit": None, "victim": 1.5, "references": []}),
        "manifest.json: population.victim should be less than or equal to 1",
    ),
    "shares": (
        manifest(population={"images": 9, "fit": None, "victim": 1.0, "references": [1.0]}),
        "the population has a share for some of its models only",
    ),
    "companions": (manifest(companions={"surrogates": []}), "missing field companions.outsiders"),
    "no references": (manifest(references=[]), "manifest.json: references: List should have"),
    "outputs": (outputs(b"none"), "its outputs are unreadable"),
    "no outputs": (outputs(b"\x02\0\0\0\0\0\0\0{}"), "outputs.safetensors victim: is not float32"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_file_is_refused(case: str, sealed: Path) -> None:
    change, said = CHANGES[case]
    with pytest.raises(BirthmarkError) as error:
        Fingerprint.open(rewritten(sealed, change))
    assert said in str(error.value)
    assert "changed.birthmark" in str(error.value)


def test_foreign_files_are_refused(sealed: Path, tmp_path: Path) -> None:
    bomb = rewritten(sealed, lambda m: m.update({"bomb": bytes(10**8)}), compression=8)
    (tmp_path / "text").write_text("PK")
    (tmp_path / "cut").write_bytes(sealed.read_bytes()[:5000])
    for file, said in {
        bomb: "is compressed or encrypted",
        tmp_path / "text": "is not a fingerprint",
        tmp_path / "cut": "is truncated or altered",
        tmp_path / "none": "does not exist",
        tmp_path: "is a folder",
    }.items():
        with pytest.raises(BirthmarkError) as error:
            Fingerprint.open(file)
        assert said in str(error.value)


def test_a_manifest_has_one_form(sealed: Path) -> None:
    def twice(members: dict[str, bytes]) -> None:
        text = members["manifest.json"].replace(b'"method":', b'"method":"sac","method":', 1)
        members["manifest.json"] = text

    with pytest.raises(BirthmarkError, match="not written the way manifests are"):
        Fingerprint.open(rewritten(sealed, twice))


def test_a_probe_that_decodes_otherwise_stops_the_audit(sealed: Path) -> None:
    other = sha256(b"other pixels")

    def change(members: dict[str, bytes]) -> None:
        fields = json.loads(members["manifest.json"])
        fields["probes"][1]["pixels"] = other
        members["manifest.json"] = canonical_json(fields)

    opened = Fingerprint.open(rewritten(sealed, change))
    with pytest.raises(BirthmarkError, match=r"00001\.jpg: decodes to other pixels"):
        opened.bundle.require_same_pixels("v")


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_altered_byte_is_refused(sealed: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(sealed.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "altered"
    file.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)) | st.just(10**9))]))
    if file.read_bytes() == sealed.read_bytes():
        return
    with pytest.raises(BirthmarkError):
        Fingerprint.open(file)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.binary(max_size=2000))
@example(junk=b"")
def test_junk_is_refused(tmp_path: Path, junk: bytes) -> None:
    for start in (b"", b"PK\x03\x04"):
        (tmp_path / "junk").write_bytes(start + junk)
        with pytest.raises(BirthmarkError):
            Fingerprint.open(tmp_path / "junk")


def test_the_first_format_is_still_read_and_audited(tmp_path: Path) -> None:
    import world

    opened = Fingerprint.open(V1)
    assert opened.seal == "sha256:bf1bc61a9fc6a8de917a402b720ca72eee7fcdfa77a16812cb29f622ef2ee681"
    assert opened.manifest.method == "sac-cosine-l1@jpeg25"
    Fingerprint(opened.bundle).save(tmp_path / "again")
    assert Fingerprint.open(tmp_path / "again").manifest == opened.manifest
    assert (opened.manifest.start, opened.manifest.population) == (None, None)
    assert opened.manifest.format == "birthmark-fingerprint/2"
    thief = world.as_digits(world.thief())
    with pytest.raises(BirthmarkError, match="all 4 share one lineage that is not"):
        opened.audit(thief)
    result = opened.audit(thief, alpha=0.2, rule=Rule.RANK)
    assert result.p_value <= 0.2
    assert result.verdict == "inconclusive"
    said = " ".join(result.findings)
    assert "Nothing says what the victim's training started from" in said
    assert "The victim's lineage is not stated" in said
    assert [reference.name for reference in result.references] == [
        f"innocent-{i}" for i in range(4)
    ]


def first_format(member: str, **fields: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        read = json.loads(members["manifest.json"])
        (read[member] if member else read).update(fields)
        members["manifest.json"] = canonical_json(read)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (first_format("victim", lineage="vgg"), "birthmark-fingerprint/1 says family"),
        (
            first_format("", start="random"),
            "birthmark-fingerprint/1 has no start and no population",
        ),
        (
            first_format("", population=None),
            "birthmark-fingerprint/1 has no start and no population",
        ),
    ],
)
def test_the_first_format_says_nothing_that_came_later(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    file = tmp_path / "v1.birthmark"
    file.write_bytes(V1.read_bytes())
    with pytest.raises(BirthmarkError, match=said):
        Fingerprint.open(rewritten(file, change))


def test_a_family_of_the_first_format_is_a_lineage(tmp_path: Path) -> None:
    file = tmp_path / "v1.birthmark"
    file.write_bytes(V1.read_bytes())
    read = Fingerprint.open(rewritten(file, first_format("victim", family="vgg")))
    assert read.manifest.victim.lineage == "vgg"
