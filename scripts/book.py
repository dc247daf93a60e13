"""What `make docs` needs beside mdBook.

mdBook calls it as a preprocessor: it adds the documents at the root of the repository to the book, and leads the links
of all pages there. `book.py check target/book` looks whether every link of the built site leads somewhere.
"""

import html.parser
import json
import pathlib
import posixpath
import re
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = "docs"
PART = "The repository"
# By their names at the root: the titles and the pages that they become.
DOCUMENTS = {
    "ARCHITECTURE.md": ("Architecture", "architecture.md"),
    "CONTRIBUTING.md": ("Contributing", "contributing.md"),
    "CHANGELOG.md": ("Changelog", "changelog.md"),
    "SECURITY.md": ("Security", "security.md"),
    # The introduction says the same.
    "README.md": (None, "README.md"),
}
FENCE = re.compile(r"^```.*?^```[^\n]*$", re.DOTALL | re.MULTILINE)
# A link or a picture; its words may have code in them.
LINK = re.compile(r"(!?)\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^()\s]+)\)")


def is_elsewhere(target):
    return target.startswith("#") or urllib.parse.urlsplit(target).scheme != ""


def page_of(path):
    """Where a file of the repository is in the book; nothing where it is not."""
    if path in DOCUMENTS:
        return DOCUMENTS[path][1]
    if (ROOT / path).is_dir():
        path += "/README.md"
        if not (ROOT / path).is_file():
            return None
    inside = posixpath.relpath(path, SOURCE)
    return None if inside.startswith("..") else inside


def mended(content, path, page):
    """A page's text, with the links of the file at `path` as they are from `page`."""

    def link(found):
        mark, words, target = found.groups()
        if is_elsewhere(target):
            return found[0]
        target, _, anchor = target.partition("#")
        to = page_of(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
        # What is only in the repository is named, and not linked to.
        if to is None:
            return words
        # A folder's README is its index.
        to = re.sub(r"(^|/)README\.md$", r"\1index.md", to)
        to = posixpath.relpath(to, posixpath.dirname(page) or ".")
        return f"{mark}[{words}]({to}{'#' + anchor if anchor else ''})"

    text, end = [], 0
    for fence in FENCE.finditer(content):
        text += [LINK.sub(link, content[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join(text) + LINK.sub(link, content[end:])


def mend(items):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            path = chapter["path"]
            if path:
                chapter["content"] = mended(chapter["content"], f"{SOURCE}/{chapter['source_path']}", path)
            mend(chapter["sub_items"])


def documents():
    for name, (title, page) in DOCUMENTS.items():
        if title:
            content = mended((ROOT / name).read_text(), name, page)
            yield {
                "Chapter": {
                    "name": title,
                    "content": content,
                    "number": None,
                    "sub_items": [],
                    "path": page,
                    "source_path": page,
                    "parent_names": [],
                }
            }


def preprocess():
    _, book = json.load(sys.stdin)
    mend(book["items"])
    book["items"] += [{"PartTitle": PART}, *documents()]
    json.dump(book, sys.stdout)


class Page(html.parser.HTMLParser):
    """The names in a page, and where it leads."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if attributes.get("id"):
            self.ids.add(attributes["id"])
        target = attributes.get("href" if tag in ["a", "link"] else "src")
        if target and not urllib.parse.urlsplit(target).scheme:
            self.targets.append(urllib.parse.unquote(target))


def check(folder):
    # The page for what is not found is shown at any address.
    paths = [path for path in folder.rglob("*.html") if path.name != "404.html"]
    pages = {path.resolve(): Page(path) for path in paths}
    broken, links = [], 0
    for path, page in pages.items():
        for target in page.targets:
            links += 1
            file, _, anchor = target.partition("#")
            to = (path.parent / file).resolve() if file else path
            if not to.is_file():
                broken.append(f"{path.relative_to(folder.resolve())}: there is no {target}")
            elif anchor and to in pages and anchor not in pages[to].ids:
                broken.append(f"{path.relative_to(folder.resolve())}: there is no heading {target}")
    print(f"{len(pages)} pages, {links} links, {len(broken)} broken")
    for line in broken:
        print(line, file=sys.stderr)
    sys.exit(1 if broken or not links else 0)


match sys.argv[1:]:
    case []:
        preprocess()
    case ["supports", renderer]:
        sys.exit(0 if renderer == "html" else 1)
    case ["check", built]:
        check(pathlib.Path(built))
    case _:
        sys.exit(__doc__)
