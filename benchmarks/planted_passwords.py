"""Contexts of secrets that only their place gives away: key blocks, URLs, assignments. Marks as in `planted_tokens`."""

import planted_values as v
from planted_tokens import Context

HEX_KEY = v.token("", v.HEX, 40)
LONG_HEX = v.token("", v.HEX, 64)
OPAQUE = v.token("", v.ALNUM, 32)
OPAQUE_URL = v.token("", v.BASE64_URL, 43)
BLOCK_LINE = v.token("", v.BASE64, 64)
ENCODED_PASSWORD = v.parts(v.token("", v.ALNUM, 7), v.token("%40", v.ALNUM, 5))


def _block(kind: str, newline: str = "\n", label: str = "PRIVATE KEY") -> str:
    """Return a key block; its value is a line in the middle, so a block that lost only its head is a miss."""
    return newline.join(
        [f"-----BEGIN {kind}{label}-----", "¶", "¶", "§", "¶", "¶", f"-----END {kind}{label}-----"]
    )


PRIVATE_KEYS: list[Context] = [
    (BLOCK_LINE, "$ cat ~/.ssh/id_rsa\n" + _block("RSA ") + "\n$ "),
    (BLOCK_LINE, "this is my key, why is it refused?\n\n```\n" + _block("OPENSSH ") + "\n```"),
    (BLOCK_LINE, "const key = `" + _block("EC ") + "`;\njwt.sign(claims, key)"),
    (
        BLOCK_LINE,
        '{"type": "service_account", "private_key": "' + _block("", r"\n") + r'\n", "client_id": "1"}',
    ),
    (BLOCK_LINE, 'FIREBASE_KEY="' + _block("", r"\n") + r'\n"' + "\nPORT=80\n"),
    (BLOCK_LINE, "tls:\n  key: |\n    " + _block("RSA ", "\n    ") + "\n  port: 8443\n"),
    (BLOCK_LINE, r'{"content":"{\"privateKey\": \"' + _block("", r"\\n") + r'\"}"}'),
    (BLOCK_LINE, _block("ENCRYPTED ")),
    (BLOCK_LINE, _block("PGP ", label="PRIVATE KEY BLOCK")),
    (BLOCK_LINE, _block("DSA ", "\r\n") + "\r\n"),
    (BLOCK_LINE, "Read key.pem (output cut after 5 lines)\n" + _block("RSA ").rpartition("\n")[0] + "\n"),
]

URLS: list[Context] = [
    (v.strong_password, "DATABASE_URL=postgres://app:§@db.acme.io:5432/shop?sslmode=require\n"),
    (v.strong_password, 'engine = create_engine("postgresql+psycopg2://app:§@10.0.0.5/shop")'),
    (
        v.strong_password,
        'mongoose.connect("mongodb+srv://admin:§@cluster0.ab1cd.mongodb.net/?retryWrites=true")',
    ),
    (v.strong_password, "redis.exceptions.ConnectionError: Error 111 connecting to redis://:§@cache:6379/0."),
    (v.human_password, "celery -A app worker -b amqp://worker:§@rabbit:5672/jobs"),
    (v.strong_password, "mysql://root:§@127.0.0.1:3306/wp\n"),
    (v.strong_password, "origin\thttps://mkowal:§@git.acme.io/web/site.git (fetch)"),
    (v.strong_password, "export HTTPS_PROXY=http://proxyuser:§@proxy.acme.io:3128"),
    (v.strong_password, "curl -O ftp://backup:§@ftp.acme.io/dump.sql.gz"),
    (v.strong_password, "spring.datasource.url=jdbc:postgresql://db:5432/shop?user=app&password=§\n"),
    (
        v.strong_password,
        r'{"stderr":"fatal: unable to access https://ci:§@git.acme.io/a.git/: 403\n","code":128}',
    ),
    (ENCODED_PASSWORD, "DATABASE_URL=mysql2://shop:§@db.acme.io/shop_production\n"),
    (OPAQUE, "pip install git+https://§@git.acme.io/libs/core.git@v2.1"),
    (v.strong_password, "MAILER_DSN=smtp://info%40acme.io:§@mail.acme.io:587\n"),
    (HEX_KEY, "SENTRY_DSN=https://¤:§@sentry.acme.io/42\n"),
    (v.strong_password, "wget 'https://report:§@stats.acme.io/export.csv' -O x.csv"),
    (v.strong_password, "2025/03/01 10:11:12 dial sqlserver://sa:§@mssql:1433?database=erp: i/o timeout"),
    (v.strong_password, "sqlalchemy.exc.OperationalError: (pymysql) url mysql+pymysql://shop:§@db/shop"),
]

ASSIGNMENTS: list[Context] = [
    # settings files
    (v.strong_password, "DB_HOST=db\nDB_PASSWORD=§\nDB_NAME=shop\n"),
    (v.marked_password, "MAIL_PASSWORD='§'\nMAIL_PORT=587\n"),
    (v.human_password, "database:\n  user: app\n  password: §\n  pool: 5\n"),
    (v.strong_password, 'smtp:\n  - host: mail\n    pass: "§"\n'),
    (OPAQUE, '{\n  "apiKey": "§",\n  "region": "eu"\n}'),
    (OPAQUE, '{"clientId":"web","clientSecret":"§","scopes":["openid"]}'),
    (v.strong_password, '[database]\nuser = "app"\npassword = "§"\n'),
    (v.strong_password, "spring.datasource.username=app\nspring.datasource.password=§\n"),
    (v.strong_password, "<server>\n  <id>releases</id>\n  <password>§</password>\n</server>"),
    (
        v.strong_password,
        '<add name="Erp" connectionString="Server=sql01;User Id=sa;Password=§;Encrypt=true" />',
    ),
    (v.strong_password, "Driver={ODBC Driver 18};Server=sql01;Uid=report;Pwd=§;"),
    (v.strong_password, "define( 'DB_PASSWORD', '§' );\ndefine( 'DB_HOST', 'localhost' );"),
    (v.strong_password, "'mysql' => [\n    'username' => 'root',\n    'password' => '§',\n],"),
    (v.token("django-insecure-", v.ALNUM, 50), "DEBUG = True\nSECRET_KEY = '§'\n"),
    (v.strong_password, "bind 0.0.0.0\nrequirepass §\nmaxmemory 2gb\n"),
    (v.strong_password, "machine git.acme.io\nlogin ci\npassword §\n"),
    (v.strong_password, "# ~/.pgpass\ndb.acme.io:5432:shop:app:§\n"),
    (v.base64_of(24), "apiVersion: v1\nkind: Secret\ndata:\n  password: §\n"),
    (LONG_HEX, "ENV JWT_SECRET=§\nEXPOSE 3000\n"),
    (OPAQUE_URL, 'resource "x_dns" "main" {\n  api_token = "§"\n}\n'),
    # code
    (v.strong_password, 'conn = psycopg2.connect(host="db", user="app", password="§", dbname="shop")'),
    (v.marked_password, "PASSWORD = '§'  # TODO move to vault"),
    (OPAQUE, 'headers = {"X-Api-Key": "§", "Accept": "application/json"}'),
    (HEX_KEY, "const API_KEY = '§';\nfetch(`/v1/items?limit=20`)"),
    (OPAQUE, 'cfg := Config{\n\tEndpoint:  "https://api.acme.io",\n\tAuthToken: "§",\n}'),
    (v.human_password, "await page.fill('#password', '§');"),
    (v.strong_password, 'System.setProperty("javax.net.ssl.keyStorePassword", "§");'),
    (
        v.strong_password,
        'String dbPassword = "§";\nvar c = DriverManager.getConnection(url, user, dbPassword);',
    ),
    (v.strong_password, 'if (req.headers["x-admin-secret"] !== "§") return res.status(401).end()'),
    (v.strong_password, "CREATE USER report WITH LOGIN PASSWORD '§';"),
    (v.marked_password, "ALTER USER 'root'@'localhost' IDENTIFIED BY '§';"),
    # shell
    (v.strong_password, "PGPASSWORD=§ psql -h db -U app shop -c 'select 1'"),
    (v.strong_password, "sshpass -p '§' ssh -o StrictHostKeyChecking=no deploy@web1"),
    (v.strong_password, "mysql -u root -p§ shop < dump.sql"),
    (v.strong_password, "docker login -u ci -p § docker.acme.io"),
    (v.strong_password, "curl -u admin:§ http://localhost:9200/_cat/indices"),
    (OPAQUE, "vault login --token=§"),
    (v.strong_password, "openssl pkcs12 -in cert.p12 -nodes -passin pass:§"),
    (v.marked_password, '$pw = ConvertTo-SecureString "§" -AsPlainText -Force'),
    (v.strong_password, "echo 'app:§' | chpasswd"),
    # HTTP and logs
    (OPAQUE_URL, "> GET /v1/me HTTP/2\n> Authorization: Bearer §\n> accept: */*"),
    (v.basic_credentials, "Authorization: Basic §\nHost: api.acme.io"),
    (OPAQUE, "GET /rest/items?page=2&access_token=§ HTTP/1.1"),
    (OPAQUE, "https://api.weather.acme.io/data?q=Berlin&api_key=§&units=metric"),
    (v.strong_password, "2025-01-04 11:20:05,113 INFO login attempt user=jdoe password=§ ip=10.1.1.4"),
    (v.strong_password, "POST /oauth/token\n\ngrant_type=password&username=ops&password=§"),
    # tool results as text of JSON
    (v.strong_password, r'{"content":"{\n  \"username\": \"app\",\n  \"password\": \"§\"\n}"}'),
    (OPAQUE, r'[{"type":"text","text":"API_SECRET: \"§\"\nREGION: eu\n"}]'),
    (v.token("IQoJb3JpZ2luX2Vj", v.BASE64, 240), '{"SessionToken": "§", "Version": 1}'),
    # prose
    (v.human_password, "You can log in with user demo, the password is § (please change it later)."),
    (OPAQUE, "use this API key: `§` and show me a request in Go"),
    (v.human_password, "login: teamlead\npassword: §\ncan you test it on staging?"),
    (v.human_password, "Mein Passwort lautet: §. Warum werde ich abgewiesen?"),
]
