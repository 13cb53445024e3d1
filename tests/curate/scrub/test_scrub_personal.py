"""Each rule for personal data finds it, and leaves alone what only looks like it."""

from __future__ import annotations

import pytest

from turnsmith.curate.scrub import Scrubber

from .planted import with_luhn, with_mod97


def grouped(text: str, separator: str) -> str:
    """Return a text in groups of four."""
    return separator.join(text[i : i + 4] for i in range(0, len(text), 4))


CARD = with_luhn("453914880343646")
AMEX = with_luhn("37828224631" + "123")
GERMAN = with_mod97("DE", "370400440532013007")
MALTESE = with_mod97("MT", "MALT01100" + "0012345MTLCAST001S")

HITS = {
    "EMAIL": [
        "jane.doe@acme.io", "j@x.museum", "jane+tag@acme.co.uk", "müller@büro.de", "jane%40acme.com",
        "jane [at] acme [dot] io", "12345+janedoe@users.noreply.github.com",
    ],
    "PHONE": [
        "+49 30 901820", "+1 (415) 867-5309", "(415) 867-5309", "415-867-5309", "415.867.5309", "+44 20 7946 0958",
        "030 12345678", "0171/1234567", "06 12 34 56 78", "+4915112345678", "+91 98765 43210", "+49 (0)30 901820",
    ],
    "IP": ["185.199.108.153", "2606:4700:4700::1111", "2a00:1450:4001:82b::200e"],
    "MAC": ["3c:22:fb:8a:01:9e", "3C-22-FB-8A-01-9E"],
    "IBAN": [GERMAN, grouped(GERMAN, " "), MALTESE],
    "CARD": [CARD, grouped(CARD, " "), grouped(CARD, "-"), AMEX],
    "SSN": ["536-22-8714"],
}  # fmt: skip
PLACES = ("{}", "this is {}, he said", '"{}"', "({})", "<td>{}</td>", "\n{}\n", "你好 {} 。")

HOMES = (
    "/Users/{}/code", "cd /home/{}", '"/home/{}"', "C:\\Users\\{}\\x", "C:\\\\Users\\\\{}\\\\x", "c:/Users/{}/x",
    "/mnt/c/Users/{}/x", "file:///Users/{}/x", "%2FUsers%2F{}%2Fx", "-Users-{}-code-x", "~/.claude/projects/-home-{}-x",
    "{}@mac:~/x$ ls", "-rw-r--r--  1 {}  staff  12 Jan", "scp a {}@10.0.0.1:/srv", "path=/var/home/{}/x",
    "D:\\Users\\{}", "sqlite:////Users/{}/x.db", "vscode-remote://wsl+Ubuntu/home/{}/x", "file:///home/{}/x",
    "file:///c%3A/Users/{}/x", "\\\\server\\c$\\Users\\{}\\x", "/Volumes/My Disk/Users/{}/x", "/gpfs/home/{}/x",
    "/private/var/home/{}", "host:/data/home/{}/x", "/cygdrive/c/users/{}/x", "../../../home/{}/x", "2 >/home/{}/x",
    "a\\n/home/{}/x", "sftp://h/home/{}/x", "/var/lib/docker/overlay2/a1/merged/home/{}", "/proc/7/root/home/{}/x",
    "\x1b[90m/Users/{}/x\x1b[0m",
    "curl -d @/home/{}/x",
)  # fmt: skip


def scrubbed(text: str) -> str:
    """Return a text as it comes out."""
    result, _ = Scrubber().scrub({"text": text})
    found: str = result["text"]
    return found


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in HITS.items() for value in values]
)
def test_value_is_replaced_and_nothing_else(kind: str, value: str, place: str) -> None:
    """Only the value itself gives way to a placeholder of its type."""
    assert scrubbed(place.format(value)) == place.format(f"<{kind}_1>")


@pytest.mark.parametrize(
    ("path", "name"), [*((path, "janedoe") for path in HOMES), *((path, "Zoë") for path in HOMES[:9])]
)
def test_user_of_a_home_folder_is_replaced(path: str, name: str) -> None:
    """The name of a home folder goes on all three systems, encoded or not; the path stays."""
    assert scrubbed(path.format(name)) == path.format("<USER_1>")


@pytest.mark.parametrize("name", ["nils", "rita", "tom"])
def test_name_behind_a_backslash_is_whole(name: str) -> None:
    """A name that begins like an escape is the whole name all the same."""
    assert scrubbed(f"C:\\Users\\{name}\\x") == "C:\\Users\\<USER_1>\\x"


@pytest.mark.parametrize(
    "place",
    [
        "ssh -i k.pem ubuntu@{}",
        "rsync -a x ubuntu@{}:/srv",
        "root@{}",
        "https://u@{}:8080/x",
        "scp x root@{}:",
    ],
)
def test_address_behind_a_user_is_public(place: str) -> None:
    """A machine behind `user@` has an address, where a package has a version."""
    assert scrubbed(place.format("185.199.108.153")) == place.format("<IP_1>")


@pytest.mark.parametrize(
    "place",
    [
        "id,name,phone\n7,Mara,{}\n", 'phone;name\n{};"a;b"', 'a,mobile\n"Kow, M",{}\n',
        "| a | tel |\n|-|-|\n| b | {} |",
        '{{"user": {{"mobile": "{}", "city": "S"}}}}', '[{{"homePhone": "{}"}}]', "Celular: {}", "Teléfono: {}",
        "user_phone: {}", "手机 {}",
    ],
)  # fmt: skip
def test_name_of_a_key_or_column_tells_a_phone(place: str) -> None:
    """Digits of any form are a phone under a key or the head of a column that says so."""
    for number in ("13826213695", "(11) 93548-2803"):
        assert scrubbed(place.format(number)) == place.format("<PHONE_1>")


def test_name_with_a_space_is_one_name() -> None:
    """A home folder with a space in its name goes as a whole."""
    assert scrubbed("C:\\Users\\Jane Doe\\Desktop") == "C:\\Users\\<USER_1>\\Desktop"


@pytest.mark.parametrize(
    ("before", "value"), [("phone: ", "4158675309"), ("Tel. ", "98765 43210"), ("SSN: ", "536228714")]
)
def test_word_before_tells_a_number(before: str, value: str) -> None:
    """A bare number is personal where a word before it says so."""
    assert value not in scrubbed(before + value)
    assert scrubbed(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "user@example.com", "git@github.com:a/b.git", "noreply@github.com", "you@yourdomain.com",
        "name[bot]@users.noreply.github.com", "attention = query@self.weight", "npm i left-pad@1.3.0", "icon@2x.png",
        "@decorator.name", "192.168.1.10 10.0.0.1 127.0.0.1 172.16.0.1", "192.0.2.7 198.51.100.1 203.0.113.9",
        "v1.2.3.4", "version 10.15.7.3", "Chrome/49.0.2623.112", "2001:db8::1 ::1 fe80::1", "std::vector dead::beef",
        "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff", "4242 4242 4242 4242", "4111 1111 1111 1111", "1234 5678 9012 3456",
        "2026-01-16 10:30", "078-05-1120", "000-12-3456", "3.14159265358979", "1700000000", "1, 2, 3, 4, 5, 6, 7, 8",
        "12345678901234567890", "/home/runner/work", "/Users/username/x", "/home/user/x", "/home/$USER/x",
        "/Users/<name>/x", "https://acme.io/home/page", "GET /api/users/janedoe", "DE00 3704 0044 0532 0130 00",
        "a=1+2345678-9", 'AssemblyVersion("2.31.0.1")', "<Version>2.31.40.1</Version>", "pkg@1.2.31.4",
        "GET /api/Users/listing HTTP/1.1", "src/home/components/Header.tsx", "import x from '@/pages/home/index'",
        "'../../home/components'", "src/data/home/list", "'@/home/index'", "webpack://app/home/index.js",
        "#/home/index",
        "a,b,c\n1,2,2063227694", '{"mobile": "1700000000000000"}', "nav--home-icon",
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ],
)  # fmt: skip
def test_what_only_looks_personal_is_left_alone(text: str) -> None:
    """Examples, private ranges, versions, times, numbers and roles are nobody's."""
    assert scrubbed(text) == text
