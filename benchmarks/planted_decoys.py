"""Texts that look like secrets or personal data and are none: scrubbing must leave them as they are."""

import base64
import uuid
from random import Random

import planted_values as v


def decoys(seed: int = 0) -> list[str]:
    """Return the texts; the same seed gives the same ones."""
    rng = Random(f"{seed}:decoys")  # noqa: S311
    return [*_made(rng), *PLACEHOLDERS, *CODE, *NUMBERS, *ADDRESSES, *DOCUMENTED, *PATHS]


def _made(rng: Random) -> list[str]:
    """Return texts around random ids, hashes and big numbers."""
    some_uuid = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    image = base64.b64encode(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0" + rng.randbytes(90)
    )
    sha1, sha256 = v.letters(rng, v.HEX, 40), v.letters(rng, v.HEX, 64)
    return [
        f"request_id={some_uuid} status=200",
        f'{{"id": "{some_uuid}", "parent": null}}',
        f"commit {sha1}\nMerge: {sha1[:7]} {sha256[:7]}\n\n    Bump the version",
        f"git cherry-pick {sha1} && git push origin HEAD",
        f"HEAD is now at {sha1[:10]} Fix the parser",
        f"uses: actions/checkout@{sha1} # v4.2.2",
        f'"integrity": "sha512-{v.base64_of(64)(rng)}",',
        f'"resolved": "git+ssh://git@github.com/acme/lib.git#{sha1}",',
        f"golang.org/x/text v0.14.0 h1:{v.base64_of(32)(rng)}",
        f'checksum = "{sha256}"',
        f"    --hash=sha256:{sha256}",
        f"{sha256}  dist/app-1.4.0.tar.gz",
        f"FROM python:3.12-slim@sha256:{sha256}",
        f'ETag: "{sha256[:32]}"',
        f"md5sum: {sha256[:32]}  data.bin",
        f'<img src="data:image/png;base64,{image.decode()}">',
        f'"id": {rng.randint(10**17, 10**18 - 1)}, "type": "message"',
        f"started at {rng.randint(1_700_000_000_000_000_000, 1_750_000_000_000_000_000)} ns",
        f"seed = {rng.randint(10**12, 10**13 - 1)}",
        f"process 0x{sha1[:12]} exited, core at 0x{sha1[12:24]}",
        f"tool_use_id: toolu_{v.letters(rng, v.ALNUM, 24)}",
        f"SHA256:{v.letters(rng, v.BASE64, 43)} (ED25519)",
    ]


PLACEHOLDERS = [
    "password: ${DB_PASSWORD}",
    "DB_PASSWORD=${DB_PASSWORD:?set it first}",
    "env:\n  NPM_TOKEN: ${{ secrets.NPM_TOKEN }}",
    "API_KEY=<your-api-key>",
    "OPENAI_API_KEY=sk-...",
    "ANTHROPIC_API_KEY=your-api-key-here",
    "password = ********",
    'api_key: "{{ vault_api_key }}"',
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer {token}",
    'curl -u "$USER:$PASS" http://localhost:9200',
    "postgres://${DB_USER}:${DB_PASS}@${DB_HOST}/app",
    "postgresql://{user}:{password}@{host}:{port}/{name}",
    "PASSWORD=\nSECRET=\nTOKEN=\n",
    "secretKeyRef:\n  name: db-credentials\n  key: password",
    "ssh-copy-id user@host",
]

CODE = [
    "token = get_token()",
    "const token = await getToken(user.id);",
    'password = os.environ["DB_PASSWORD"]',
    "apiKey: process.env.OPENAI_API_KEY,",
    "def login(user: str, password: str, token: str | None = None) -> Session:",
    "password: str = Field(min_length=8)",
    "if (password !== confirmPassword) setError('Passwords differ');",
    '<input type="password" name="password" autocomplete="current-password">',
    'secret := cfg.Secret\ntoken := strings.TrimPrefix(header, "Bearer ")',
    "self.api_key = api_key or settings.api_key",
    "ACCESS_TOKEN_EXPIRE_MINUTES = 30",
    'API_KEY_HEADER = "X-API-Key"',
    '{"usage": {"prompt_tokens": 18233, "completion_tokens": 412, "total_tokens": 18645}}',
    "max_tokens=4096, tokenizer=tokenizer, pad_token_id=50256",
    "The token is refreshed every hour; the password is never stored.",
    'class TokenBucket:\n    """Limit the rate."""',
    "@app.route('/users/<int:id>')\n@login_required",
    "std::map<std::string, int> counts;",
    "a::before { color: #1a2b3c; background: #ffeedd80; }",
    "npm install @types/node@20.11.5 react@^18.2.0",
    '<div class="task-list-item-header-wrapper-with-very-long-modifier-name">',
    "expect(result.current.data).toEqual([{ id: 1, key: 'primary' }])",
]

NUMBERS = [
    "2025-03-11T10:22:33.123456Z INFO ready",
    "Version 4.8.1.0 of the framework, file version 10.0.19041.1",
    'AssemblyVersion("2.31.0.1")',
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
    '"typescript": ">=5.1.6 <6.0.0 || ^4.9.5"',
    "OID 1.3.6.1.4.1.311.21.20",
    "population: 1,412,600,000",
    "ISBN 978-3-16-148410-0",
    "3.14159265358979323846264338327950288",
    "[415, 555, 2671, 1024, 65535]",
    "Elapsed: 00:12:34:56.789",
    "line 212, column 555, offset 123456789",
    'viewBox="0 0 1024 1024" d="M512 64 10.5 20.25 300-200 800-600"',
    "run 20250311.4 of build 9187264051 took 12 s",
    "EPSG:4326 at 52.520008, 13.404954",
]

ADDRESSES = [
    "Listening on http://127.0.0.1:8000 and http://0.0.0.0:3000",
    "server 192.168.1.10:8080; server 10.0.0.5:8080; server 172.16.4.2:8080;",
    "::1 localhost ip6-localhost",
    "inet6 fe80::1%lo0 prefixlen 64",
    "The documentation uses 192.0.2.1, 198.51.100.7 and 203.0.113.9.",
    "ping6 2001:db8::1",
    "subnet mask 255.255.255.0",
    "broadcast ff:ff:ff:ff:ff:ff, any 00:00:00:00:00:00",
    "mail jane@example.com or admin@example.org",
    "git clone git@github.com:acme/site.git",
    "https://blog.acme.io/@author/how-we-scaled",
    "http://localhost:3000/oauth/callback?state=1&code_challenge_method=S256",
]

# Put together from parts, so that no scanner takes this file for a leak.
DOCUMENTED = [
    "aws_access_key_id = " + "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCY" + "EXAMPLEKEY",
    "Use the test card " + "4242 " * 3 + "4242 in Stripe.",
    "card = " + repr("4" + "1" * 15),
    "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true",
]

PATHS = [
    "/Users/Shared/data and C:\\Users\\Public\\Documents",
    "cd $HOME/dev && ls ~/.config %USERPROFILE%\\AppData",
    "/home/$USER/.bashrc or /Users/<you>/.zshrc",
    "GET /api/Users/list HTTP/1.1",
    "src/home/components/Header.tsx",
    "import Home from '@/pages/home/index'",
    "ssh-rsa is disabled; see /etc/ssh/sshd_config",
]
