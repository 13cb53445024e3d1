"""Each rule for secrets finds what its issuer or its context makes a secret."""

from __future__ import annotations

import base64

import pytest

from turnsmith.curate.scrub import Scrubber

from .planted import BASE64, CAPITALS, HEX, URLSAFE, armor, key_lines, some

DIGITS = "0123456789"
PASSWORD = "Kd82" + "kLw0"

TOKENS = {
    "aws-key-id": "AKIA" + some(16, CAPITALS),
    "github classic": "ghp" + "_" + some(36),
    "github oauth": "gho" + "_" + some(36),
    "github user": "ghu" + "_" + some(36),
    "github server": "ghs" + "_" + some(36),
    "github refresh": "ghr" + "_" + some(76),
    "github fine-grained": "github_pat" + f"_{some(22)}_{some(59)}",
    "gitlab": "glpat" + f"-{some(20, URLSAFE)}",
    "slack bot": "xoxb" + f"-{some(12, DIGITS)}-{some(13, DIGITS)}-{some(24)}",
    "slack user": "xoxp" + f"-{some(12, DIGITS)}-{some(12, DIGITS)}-{some(12, DIGITS)}-{some(32, HEX)}",
    "slack app": "xapp" + f"-1-A{some(10, CAPITALS)}-{some(13, DIGITS)}-{some(64, HEX)}",
    "slack webhook": "hooks.slack" + f".com/services/T{some(8, CAPITALS)}/B{some(8, CAPITALS)}/{some(24)}",
    "stripe secret": "sk_" + f"live_{some(24)}",
    "stripe restricted": "rk_" + f"test_{some(24)}",
    "stripe webhook": "whsec" + f"_{some(32)}",
    "openai legacy": "sk-" + some(20) + "T3Blbk" + "FJ" + some(20),
    "openai project": "sk-" + f"proj-{some(120, URLSAFE)}",
    "openai service": "sk-" + f"svcacct-{some(120, URLSAFE)}",
    "openai admin": "sk-" + f"admin-{some(80, URLSAFE)}",
    "anthropic": "sk-" + f"ant-api03-{some(95, URLSAFE)}",
    "google api": "AIza" + some(35, URLSAFE),
    "google client": "GOCSPX" + f"-{some(28, URLSAFE)}",
    "google access": "ya29" + f".a0{some(80, URLSAFE)}",
    "npm": "npm" + f"_{some(36)}",
    "pypi": "pypi" + f"-AgEIcHlwaS5vcmc{some(120, URLSAFE)}",
    "hugging face": "hf" + f"_{some(34)}",
    "azure client": some(3) + "8Q" + "~" + some(34),
    "telegram": f"{some(10, DIGITS)}:" + "AA" + some(33, URLSAFE),
    "twilio": "SK" + some(32, HEX),
    "sendgrid": "SG" + f".{some(22)}.{some(43)}",
    "digitalocean": "dop" + f"_v1_{some(64, HEX)}",
    "databricks": "dapi" + some(32, HEX),
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + f".eyJ{some(40, URLSAFE)}.{some(43, URLSAFE)}",
    "groq": "gsk" + f"_{some(52)}",
}
PLACES = ("{}", "it is {} here", '"{}"', "x={};", "\\n{}\\n", "https://a.io/?q={}&b=1", "`{}`,", "→{}\n")

CONTEXTS = {
    "AWS_SECRET_ACCESS_KEY={}": some(40, BASE64),
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};": some(86, BASE64) + "==",
    "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKey={}": some(43, BASE64) + "=",
    "https://a.blob.core.windows.net/c?sv=2024&sig={}": some(20) + "%2B" + some(20) + "%3D",
    "DATABASE_URL=postgres://app:{}@db.acme.io:5432/x": PASSWORD,
    "mongodb+srv://app:{}@c0.abc.mongodb.net/x": PASSWORD,
    "redis://:{}@cache.acme.io:6379": PASSWORD,
    "jdbc:mysql://h/db?user=u&password={}": PASSWORD,
    "jdbc:oracle:thin:scott/{}@h:1521:x": PASSWORD,
    "Driver={{SQL}};Server=x;Uid=sa;Pwd={};": PASSWORD,
    "https://{}@github.com/a/b": some(40),
    "curl -u admin:{} https://acme.io": PASSWORD,
    "machine acme.io\n  login ann\n  password {}": PASSWORD,
    '{{"auths": {{"r.io": {{"auth": "{}"}}}}}}': base64.b64encode(b"ann:" + PASSWORD.encode()).decode(),
    "Authorization: Basic {}": base64.b64encode(b"ann:" + PASSWORD.encode()).decode(),
    "Authorization: Bearer {}": some(40),
    "X-API-Key: {}": some(32),
    "Cookie: sessionid={}; a=1": some(32),
    "DB_PASSWORD={}": PASSWORD,
    "password: {}": PASSWORD,
    "password = '{}'": "correct-horse-" + "battery-staple",
    'export API_KEY="{}"': some(32, HEX),
    "<password>{}</password>": PASSWORD,
    "- name: DB_PASSWORD\n  value: {}": PASSWORD,
    "mycli --password {} run": PASSWORD,
    "mysql -u root -p{} shop": PASSWORD + "!",
    "sshpass -p '{}' ssh db": PASSWORD,
    "the password is {}": "Tr0ub4dor" + "&3",
    "os.environ['SECRET_KEY'] = '{}'": some(50),
    'setenv("API_TOKEN", "{}")': some(24),
    'password: str = "{}"': PASSWORD,
    '{{\\"password\\": \\"{}\\"}}': PASSWORD,
    "'password' => '{}',": PASSWORD,
    "users:\n- user:\n    token: {}": some(40),
    "secret_key_base: {}": some(128, HEX),
    "CREATE USER r WITH LOGIN PASSWORD '{}';": PASSWORD,
    "ALTER USER 'root'@'h' IDENTIFIED BY '{}';": PASSWORD,
    "CREATE USER r IDENTIFIED WITH sha256_password BY '{}'": PASSWORD,
    'ConvertTo-SecureString "{}" -AsPlainText -Force': PASSWORD,
    "ConvertTo-SecureString -AsPlainText -String '{}'": PASSWORD,
    "echo 'app:{}' | sudo chpasswd": PASSWORD,
    "chpasswd <<< 'app:{}'": PASSWORD,
    "db.acme.io:5432:shop:app:{}": PASSWORD,
    "# ~/.pgpass\n*:6432:*:app:{}\n": PASSWORD,
    "port 6379\nrequirepass {}\n": some(16),
    'if (req.headers["x-admin-secret"] !== "{}") {{': some(16),
    "if password == '{}':": PASSWORD,
    "AWS Secret Access Key [None]: {}": some(40),
    "Mein Passwort lautet: {}": PASSWORD,
    "das Kennwort ist: {}": PASSWORD,
    "mon mot de passe est : {}": PASSWORD,
    "mi contraseña es: {}": PASSWORD,
    '{{"out": "{{\\"SecretAccessKey\\": \\"{}\\"}}"}}': "/" + some(39),
    "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKey={};EntityPath=o": "/" + some(42, BASE64) + "=",
    "no rights for {} on it": "AKIA" + "BYEMZBQNAUYRELNV",
}


def scrubbed(text: str) -> str:
    """Return a text as it comes out."""
    result, _ = Scrubber().scrub({"text": text})
    found: str = result["text"]
    return found


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", TOKENS)
def test_token_is_replaced_wherever_it_stands(kind: str, place: str) -> None:
    """A token with a known prefix goes, whatever quotes, escapes or separators are around it."""
    token = TOKENS[kind]
    found = scrubbed(place.format(token))
    assert token not in found
    before, after = place.split("{}")
    assert found.startswith(before.rstrip("=")[:2])
    assert found.endswith(after)


@pytest.mark.parametrize("context", CONTEXTS)
def test_context_tells_a_secret(context: str) -> None:
    """What stands where a secret stands goes, and the text around it stays."""
    secret = CONTEXTS[context]
    text = context.format(secret)
    before, after = text.split(secret)
    found = scrubbed(text)
    assert found != text
    assert found.startswith(before)
    assert found.endswith(after)
    assert found[len(before) :].startswith("<")


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
def test_private_key_goes_with_its_armor(kind: str) -> None:
    """A whole block goes, from the first dash to the last."""
    block = f"{armor('BEGIN', kind)}\n{key_lines()}\n{armor('END', kind)}"
    assert scrubbed(f"key:\n{block}\nend") == "key:\n<PRIVATE_KEY_1>\nend"


@pytest.mark.parametrize(
    "block",
    [
        f"{armor('BEGIN')}\\n{key_lines(end=chr(92) + 'n')}\\n{armor('END')}",
        f"{armor('BEGIN')}\n{key_lines()}",
        f"{key_lines()}\n{armor('END')}",
        "\n".join(f"{n:>6}→{line}" for n, line in enumerate([armor("BEGIN"), *key_lines().split("\n")], 1)),
        base64.b64encode(f"{armor('BEGIN')}\n{key_lines()}".encode()).decode(),
    ],
    ids=["escaped", "cut end", "cut head", "numbered", "base64"],
)
def test_damaged_private_key_goes(block: str) -> None:
    """A key on one line, cut at either end, in a listing with numbers, or packed leaves none of its lines."""
    found = scrubbed(f"a\n{block}\n")
    assert "<PRIVATE_KEY_1>" in found
    for line in block.replace("\\n", "\n").split("\n"):
        body = line.partition("→")[2] or line
        assert body[:64] not in found


@pytest.mark.parametrize(
    "text",
    [
        'if "' + armor("BEGIN") + '" in text: raise',
        "token = get_token()",
        "password: ${DB_PASSWORD}",
        "password=$PASSWORD",
        "api_key = os.environ['API_KEY']",
        "const token = response.data.accessToken;",
        "password: string;",
        "token: YOUR_API_TOKEN",
        'token="xxxxxxxxxxxxxxxxxxxxxxxx"',
        "postgres://user:password@localhost/db",
        "max_tokens: 4096, prompt_tokens=11317",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "key = sorted(items, key=lambda item: item.name)",
        "primary_key=True, foreign_key='users.id'",
        "sessionId: 3f2b8c1e-9d4a-4f7b-8e21-5c9a7b3d1f60",
        "sha512-" + some(86, BASE64) + "==",
        "class SecretManagerServiceClientTransport2",
        "sk-fading-circle-container-element",
        "PASS src/app1.test.ts",
        "password !== confirmPassword1",
        "the password 'correct' is asked for",
        "a row is identified by 'name1'",
        "secret: /var/lib/docker/containers/aB3dEfGhIjKlMnOpQrStUvWx",
        "password hashing uses sha256",
    ],
)
def test_code_and_samples_are_left_alone(text: str) -> None:
    """Code about secrets, variables, masks and manuals' examples are no secrets."""
    assert scrubbed(text) == text
