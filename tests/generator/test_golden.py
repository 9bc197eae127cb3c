"""What is written for a small spec, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

from generator.output import check, generate
from tests.generator.packages import GOLDEN, ROOT, SPEC


def contents(folder: Path) -> Dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix != ".pyc" and path.is_file()
    }


def test_the_small_package_is_the_stored_one(tmp_path: Path) -> None:
    """When a template was changed on purpose, renew the stored one and read its difference:

    python -m generator generate --spec tests/generator/small.yaml --output tests/generator/golden/small_api
    """
    generate(SPEC, tmp_path / "small_api")
    written, stored = contents(tmp_path / "small_api"), contents(GOLDEN)
    assert sorted(written) == sorted(stored)
    for name in stored:
        assert written[name].decode() == stored[name].decode(), name


def test_the_output_is_the_same_on_every_run(tmp_path: Path) -> None:
    generate(SPEC, tmp_path / "first" / "small_api")
    generate(SPEC, tmp_path / "second" / "small_api")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_the_stored_bindings_are_what_the_spec_says() -> None:
    assert check(ROOT / "openapi" / "queen.yaml", ROOT / "generated" / "queen_api") == []
