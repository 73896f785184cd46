"""Takes all texts of the code into the catalogues of vgg_demo/locale, and compiles these.

python -m tests.catalogues [LANGUAGE]: a language that there is not yet, such as de, gets a catalogue to be filled in.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from vgg_demo.language import DOMAIN, LOCALE


def extracted(package: Path = LOCALE.parent) -> Catalog:
    """The texts in _(), N_() and ngettext(), with their comments for translators."""
    catalog = Catalog(project="VGG Demo", charset="utf-8")
    for _file, _line, text, comments, _context in extract_from_dir(package, comment_tags=("Translators:",)):
        catalog.add(text, auto_comments=comments)
    return catalog


def read(path: Path) -> Catalog:
    """A catalogue as it is; of a language without one, an empty one."""
    language = path.parent.parent.name
    if not path.is_file():
        return Catalog(language, project="VGG Demo", charset="utf-8", header_comment="# The texts of VGG Demo.\n#")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(path: Path) -> Catalog:
    """The catalogue with all texts of the code and no others; new ones are not translated yet."""
    catalog = read(path)
    catalog.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    return catalog


def as_text(catalog: Catalog) -> bytes:
    """A .po file: sorted, a line for each text, and without places in the code, so that few lines change."""
    file = io.BytesIO()
    write_po(file, catalog, width=0, no_location=True, sort_output=True, ignore_obsolete=True)
    return file.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """A .mo file."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def main(languages: list[str]) -> None:
    """Update and compile the catalogues of these languages, and all that are there."""
    there = {path.parent.parent.name for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")}
    for language in sorted({*there, *languages}):
        path = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_text(updated(path)))
        catalog = read(path)
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        left = [message.id for message in catalog if message.id and not is_translated(message.string)]
        print(f"{path}: {len(catalog)} texts, {len(left)} not translated")


def is_translated(text: str | tuple[str, ...]) -> bool:
    """Whether a text has been translated, in all forms."""
    return bool(text) and all([text] if isinstance(text, str) else text)


if __name__ == "__main__":
    main(sys.argv[1:])
