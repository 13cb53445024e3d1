"""Contexts of vendors' tokens: `§` marks the planted value, `¤` a random id that may stay, `¶` a line of base64."""

import planted_values as v

Context = tuple[v.Maker, str]

AWS_ID = v.token("AKIA", v.BASE32, 16)
AWS_SESSION_ID = v.token("ASIA", v.BASE32, 16)
AWS_SECRET = v.token("", v.BASE64, 40)
GITHUB = {kind: v.checked_token(f"gh{kind}_") for kind in "pous"}
GITHUB_REFRESH = v.token("ghr_", v.ALNUM, 76)
GITHUB_FINE = v.parts(v.token("github_pat_", v.ALNUM, 22), v.token("_", v.ALNUM, 59))
SLACK_BOT = v.parts(v.shaped("xoxb-2#########-4############-"), v.token("", v.ALNUM, 24))
SLACK_USER = v.parts(v.shaped("xoxp-2#########-3#########-4############-"), v.token("", v.HEX, 32))
SLACK_APP = v.parts(v.token("xapp-1-A0", v.UPPER, 9), v.shaped("-5############-"), v.token("", v.HEX, 64))
SLACK_HOOK = v.parts(v.token("T0", v.UPPER, 9), v.token("/B0", v.UPPER, 9), v.token("/", v.ALNUM, 24))
STRIPE_OLD = v.token("sk_live_", v.ALNUM, 24)
STRIPE_NEW = v.token("sk_live_51", v.ALNUM, 97)
STRIPE_LIMITED = v.token("rk_live_51", v.ALNUM, 97)
STRIPE_TEST = v.token("sk_test_51", v.ALNUM, 97)
STRIPE_HOOK = v.token("whsec_", v.ALNUM, 32)
OPENAI_MARK = "T3BlbkFJ"  # the fixed middle of their keys
OPENAI_OLD = v.parts(v.token("sk-", v.ALNUM, 20, OPENAI_MARK), v.token("", v.ALNUM, 20))
OPENAI_SHORT = v.parts(v.token("sk-proj-", v.ALNUM, 20, OPENAI_MARK), v.token("", v.ALNUM, 20))
OPENAI_PROJECT = v.parts(
    v.token("sk-proj-", v.BASE64_URL, 74, OPENAI_MARK), v.token("", v.BASE64_URL, 73, "A")
)
OPENAI_SERVICE = v.parts(
    v.token("sk-svcacct-", v.BASE64_URL, 58, OPENAI_MARK), v.token("", v.BASE64_URL, 57, "A")
)
ANTHROPIC = v.token("sk-ant-api03-", v.BASE64_URL, 93, "AA")
ANTHROPIC_LOGIN = v.token("sk-ant-oat01-", v.BASE64_URL, 93, "AA")
ANTHROPIC_ADMIN = v.token("sk-ant-admin01-", v.BASE64_URL, 93, "AA")
GOOGLE_KEY = v.token("AIzaSy", v.BASE64_URL, 32, "k")
GOOGLE_SECRET = v.token("GOCSPX-", v.BASE64_URL, 27, "x")
GOOGLE_ACCESS = v.token("ya29.a0A", v.BASE64_URL, 160, "0171")
GOOGLE_REFRESH = v.token("1//0", v.BASE64_URL, 99, "w")
NPM = v.checked_token("npm_")
PYPI = v.token("pypi-AgEIcHlwaS5vcmcCJ", v.BASE64_URL, 149, "g")
HUGGING_FACE = v.token("hf_", v.LETTERS, 34)
AZURE_KEY = v.base64_of(64)
AZURE_BUS = v.base64_of(32)
TELEGRAM = v.parts(v.shaped("6#########:AA"), v.token("", v.BASE64_URL, 32, "s"))

TOKENS: dict[str, list[Context]] = {
    "aws_access_key_id": [
        (AWS_ID, "[default]\naws_access_key_id = §\nregion = eu-central-1\n"),
        (AWS_ID, '{"AccessKeyMetadata": [{"UserName": "deploy", "AccessKeyId": "§", "Status": "Active"}]}'),
        (
            AWS_ID,
            "I think the problem is that § has no s3:ListBucket on the bucket, can you write me a policy?",
        ),
        (
            AWS_SESSION_ID,
            "GET /q3.csv?X-Amz-Credential=§%2F20250311%2Feu-west-1%2Fs3%2Faws4_request HTTP/1.1",
        ),
        (
            AWS_ID,
            'botocore.exceptions.ClientError: (InvalidAccessKeyId): §\n  File "sync.py", line 41',
        ),
        (AWS_ID, "$ aws configure\nAWS Access Key ID [None]: §\nAWS Secret Access Key [None]: ****\n"),
        (
            AWS_SESSION_ID,
            r'{"content":"{\n  \"Credentials\": {\n    \"AccessKeyId\": \"§\"\n  }\n}"}',
        ),
        (
            AWS_ID,
            "Authorization: AWS4-HMAC-SHA256 Credential=§/20250311/us-east-1/iam/aws4_request, SignedHeaders=host",
        ),
    ],
    "aws_secret_access_key": [
        (AWS_SECRET, "[prod]\naws_secret_access_key = §\noutput = json\n"),
        (AWS_SECRET, "export AWS_SECRET_ACCESS_KEY=§\nterraform plan -out tf.plan\n"),
        (AWS_SECRET, '{"Credentials": {"SecretAccessKey": "§", "Expiration": "2025-03-11T11:02:51Z"}}'),
        (
            AWS_SECRET,
            's3 = boto3.client("s3", aws_access_key_id=os.environ["KEY_ID"], aws_secret_access_key="§")',
        ),
        (
            AWS_SECRET,
            'provider "aws" {\n  access_key = var.key_id\n  secret_key = "§"\n}\n',
        ),
        (AWS_SECRET, 'const s3 = new S3Client({ credentials: { accessKeyId: id, secretAccessKey: "§" } });'),
        (AWS_SECRET, "docker run --rm -e AWS_SECRET_ACCESS_KEY='§' -v $PWD:/src backup:latest"),
        (
            AWS_SECRET,
            r'{"stdout": "{\n    \"SecretAccessKey\": \"§\",\n    \"Status\": \"Active\"\n}\n", "exit": 0}',
        ),
        (
            AWS_SECRET,
            "AWS Access Key ID [****]: \nAWS Secret Access Key [None]: §\nDefault region name [eu-west-1]:",
        ),
    ],
    "github": [
        (
            GITHUB["p"],
            "remote: Invalid username or password.\n$ git remote set-url origin https://§@github.com/acme/api.git\n",
        ),
        (GITHUB["p"], 'curl -s -H "Authorization: token §" https://api.github.com/user/repos'),
        (GITHUB["p"], "here is my PAT: §. it should have repo scope, why do I get a 403?"),
        (GITHUB["o"], '{"access_token": "§", "scope": "repo,gist", "token_type": "bearer"}'),
        (GITHUB["o"], "github.com:\n    user: ci\n    oauth_token: §\n    git_protocol: https\n"),
        (GITHUB["u"], "2025-02-03T09:14:22Z DEBUG octokit request headers={'authorization': 'bearer §'}"),
        (GITHUB["s"], "AUTHORIZATION: basic ***\n##[debug]GITHUB_TOKEN=§\n##[endgroup]"),
        (
            GITHUB["s"],
            r'{"cmd":"git clone https://x-access-token:§@github.com/acme/site.git\n","timeout":30}',
        ),
        (GITHUB_REFRESH, '{"refresh_token": "§", "refresh_token_expires_in": 15811200}'),
        (GITHUB_FINE, "GITHUB_TOKEN=§\nGITHUB_REPOSITORY=acme/site\n"),
        (GITHUB_FINE, "const octokit = new Octokit({ auth: '§' });"),
        (GITHUB_FINE, "echo §|gh auth login --with-token"),
    ],
    "slack_token": [
        (SLACK_BOT, "SLACK_BOT_TOKEN=§\nSLACK_CHANNEL=#deploys\n"),
        (SLACK_BOT, 'client = WebClient(token="§")\nclient.chat_postMessage(channel="#ops", text="up")'),
        (SLACK_BOT, "slack_sdk.errors.SlackApiError: not_in_channel (used §)"),
        (
            SLACK_USER,
            "curl -F file=@r.pdf -F channels=C01 -H 'Authorization: Bearer §' https://slack.com/api/files.upload",
        ),
        (SLACK_USER, "slack:\n  user_token: §\n  retries: 3\n"),
        (SLACK_APP, 'handler = SocketModeHandler(app, "§")'),
        (SLACK_APP, r'{"env": "export SLACK_APP_TOKEN=\"§\"\nexport PORT=3000"}'),
    ],
    "slack_webhook": [
        (SLACK_HOOK, 'curl -X POST -d \'{"text":"done"}\' https://hooks.slack.com/services/§'),
        (
            SLACK_HOOK,
            "slack_configs:\n  - api_url: https://hooks.slack.com/services/§\n    channel: '#alerts'\n",
        ),
        (SLACK_HOOK, r'{"stdout":"WEBHOOK=https://hooks.slack.com/services/§\nRETRIES=3\n","code":0}'),
        (
            SLACK_HOOK,
            "The alerts go to <https://hooks.slack.com/services/§> but nothing shows up in the channel.",
        ),
    ],
    "stripe": [
        (STRIPE_OLD, "stripe.api_key = '§'\nstripe.Charge.list(limit=3)"),
        (STRIPE_NEW, "STRIPE_SECRET_KEY=§\n"),
        (STRIPE_NEW, "curl https://api.stripe.com/v1/charges -u §: -d amount=999"),
        (
            STRIPE_LIMITED,
            "We rolled it and the new restricted key is § - where do I put it in the Helm chart?",
        ),
        (STRIPE_LIMITED, '  "stripe": {\n    "key": "§",\n    "version": "2024-06-20"\n  }'),
        (STRIPE_TEST, "const stripe = require('stripe')('§');"),
        (STRIPE_HOOK, "> Ready! Your webhook signing secret is § (^C to quit)"),
        (STRIPE_HOOK, 'event = webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), "§")'),
    ],
    "openai": [
        (OPENAI_OLD, "export OPENAI_API_KEY=§"),
        (
            OPENAI_OLD,
            'openai.api_key = "§"\nresponse = openai.ChatCompletion.create(model=model, messages=messages)',
        ),
        (OPENAI_OLD, "openai.AuthenticationError: Error code: 401 - Incorrect API key provided: §."),
        (OPENAI_SHORT, "my key is §, it worked yesterday"),
        (OPENAI_SHORT, "services:\n  bot:\n    environment:\n      - OPENAI_API_KEY=§\n"),
        (OPENAI_PROJECT, "OPENAI_API_KEY='§'\n"),
        (OPENAI_PROJECT, "const client = new OpenAI({ apiKey: `§`, dangerouslyAllowBrowser: true })"),
        (OPENAI_PROJECT, 'curl https://api.openai.com/v1/models \\\n  -H "Authorization: Bearer §"'),
        (OPENAI_SERVICE, r'{"tool":"Read","output":"     1\tOPENAI_KEY=§\n     2\tDEBUG=1\n"}'),
        (OPENAI_SERVICE, "-OPENAI_API_KEY=\n+OPENAI_API_KEY=§\n"),
    ],
    "anthropic": [
        (ANTHROPIC, "ANTHROPIC_API_KEY=§\n"),
        (
            ANTHROPIC,
            'curl https://api.anthropic.com/v1/messages -H "x-api-key: §" -H "content-type: application/json"',
        ),
        (ANTHROPIC, 'client = anthropic.Anthropic(\n    api_key="§",\n)'),
        (ANTHROPIC, "| variable | value |\n| --- | --- |\n| ANTHROPIC_API_KEY | § |\n"),
        (
            ANTHROPIC_LOGIN,
            '{"claudeAiOauth":{"accessToken":"§","expiresAt":1748276587173,"scopes":[]}}',
        ),
        (ANTHROPIC_ADMIN, "usage = httpx.get(url, headers={'x-api-key': '§'})"),
    ],
    "google_api_key": [
        (
            GOOGLE_KEY,
            '<script src="https://maps.googleapis.com/maps/api/js?key=§&callback=initMap"></script>',
        ),
        (GOOGLE_KEY, 'const firebaseConfig = {\n  apiKey: "§",\n  projectId: "shop-prod",\n};'),
        (GOOGLE_KEY, "GEMINI_API_KEY=§\nMODEL=gemini\n"),
        (GOOGLE_KEY, '    <meta-data android:name="com.google.android.geo.API_KEY" android:value="§"/>'),
        (GOOGLE_KEY, '{"client":[{"api_key":[{"current_key":"§"}]}],"configuration_version":"1"}'),
        (
            GOOGLE_KEY,
            "GET https://www.googleapis.com/youtube/v3/search?part=snippet&q=cats&key=§ 403 (Forbidden)",
        ),
    ],
    "google_oauth": [
        (
            GOOGLE_SECRET,
            '{"installed":{"project_id":"mail-sync","client_secret":"§","redirect_uris":["http://localhost"]}}',
        ),
        (GOOGLE_SECRET, "GOOGLE_CLIENT_SECRET=§\n"),
        (GOOGLE_SECRET, 'Provider = google.New(clientID, "§", callback, "email")'),
        (GOOGLE_ACCESS, "Authorization: Bearer §\nAccept-Encoding: gzip, deflate"),
        (GOOGLE_ACCESS, '{"access_token": "§", "expires_in": 3599, "token_type": "Bearer"}'),
        (GOOGLE_REFRESH, '{\n  "refresh_token": "§",\n  "type": "authorized_user"\n}'),
    ],
    "npm": [
        (NPM, "//npm.acme.internal/:_authToken=§\nalways-auth=true\n"),
        (NPM, "NPM_TOKEN=§ npm publish --access public"),
        (NPM, "npm ERR! code E401\nnpm ERR! Unable to authenticate with § , need: Bearer"),
        (NPM, 'steps:\n  - run: npm ci\n    env:\n      NODE_AUTH_TOKEN: "§"\n'),
        (NPM, r'{"new_string":"ENV NPM_TOKEN §\nRUN npm ci"}'),
    ],
    "pypi": [
        (PYPI, "[pypi]\nusername = __token__\npassword = §\n"),
        (PYPI, "twine upload -u __token__ -p § dist/*"),
        (PYPI, "UV_PUBLISH_TOKEN=§ uv publish"),
        (PYPI, "poetry config pypi-token.main §"),
        (PYPI, "Is it bad that I committed this: §? The package is tiny."),
    ],
    "hugging_face": [
        (HUGGING_FACE, "huggingface-cli login --token §"),
        (HUGGING_FACE, 'model = AutoModel.from_pretrained("acme/llm-7b", token="§")'),
        (HUGGING_FACE, "HF_TOKEN=§\nHF_HOME=/data/hf\n"),
        (HUGGING_FACE, "git clone https://user:§@models.acme.io/acme/llm-7b"),
        (HUGGING_FACE, 'headers = {"Authorization": f"Bearer §"}\nrequests.post(API_URL, headers=headers)'),
        (HUGGING_FACE, 'In [3]: login("§")\nToken is valid (permission: write).'),
    ],
    "azure_storage": [
        (
            AZURE_KEY,
            "DefaultEndpointsProtocol=https;AccountName=acmelogs;AccountKey=§;EndpointSuffix=core.windows.net",
        ),
        (AZURE_KEY, '"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=fn01;AccountKey=§"'),
        (AZURE_KEY, "export AZURE_STORAGE_KEY=§\naz storage blob list -c logs --account-name acmelogs"),
        (AZURE_KEY, '[\n  {\n    "keyName": "key1",\n    "permissions": "FULL",\n    "value": "§"\n  }\n]'),
        (AZURE_KEY, 'BlobServiceClient("https://acmelogs.blob.core.windows.net", credential="§")'),
        (AZURE_KEY, "az storage container create --name raw --account-name acmelogs --account-key §"),
        (
            AZURE_BUS,
            "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=§;EntityPath=orders",
        ),
        (AZURE_KEY, r'{"value":"AccountEndpoint=https://acme.documents.azure.com:443/;AccountKey=§;\n"}'),
    ],
    "azure_sas": [
        (
            v.sas_signature,
            "azcopy copy out 'https://acmelogs.blob.core.windows.net/raw?sv=2022-11-02&ss=b&sp=rw&se=2025-12-31&sig=§'",
        ),
        (
            v.sas_signature,
            "https://acmelogs.blob.core.windows.net/raw/a.csv?sp=r&se=2025-02-01T08:00:00Z&sv=2022-11-02&sr=b&sig=§",
        ),
        (v.sas_signature, 'AZURE_STORAGE_SAS_TOKEN="se=2025-12-31&sp=rl&sv=2022-11-02&sr=c&sig=§"'),
        (
            v.sas_signature,
            r'{"url":"https://acme.blob.core.windows.net/x?sv=2021-08-06\u0026sr=c\u0026sig=§\u0026sp=rl"}',
        ),
        (AZURE_BUS, "?sv=2022-11-02&sr=c&sp=rl&sig=§ <- this one has not been encoded, is that the bug?"),
    ],
    "telegram": [
        (TELEGRAM, "TELEGRAM_BOT_TOKEN=§\n"),
        (TELEGRAM, "bot = Bot(token='§')\ndp = Dispatcher()"),
        (TELEGRAM, "curl https://api.telegram.org/bot§/getUpdates"),
        (TELEGRAM, "Use this token to access the HTTP API:\n§\nKeep your token secure"),
        (TELEGRAM, 'bot, err := tgbotapi.NewBotAPI("§")\nif err != nil {\n\tlog.Panic(err)\n}'),
        (
            TELEGRAM,
            r'{"error":"HTTPError: 409 Conflict for url: https://api.telegram.org/bot§/getUpdates?offset=1\n"}',
        ),
    ],
    "jwt": [
        (v.jwt, "curl -H 'Authorization: Bearer §' https://api.acme.io/v2/me"),
        (v.jwt, "Cookie: theme=dark; session=§; lang=en"),
        (v.jwt, '{"id_token":"§","token_type":"Bearer","expires_in":3600}'),
        (v.jwt, "localStorage.setItem('jwt', '§')"),
        (v.jwt, "wss://stream.acme.io/socket?room=12&token=§&v=2"),
        (v.jwt, "I pasted § into the debugger and it says the signature is invalid"),
        (
            v.jwt,
            "jsonwebtoken.JsonWebTokenError: invalid signature\n    at verify (/app/auth.js:31:9)\n    token: §\n",
        ),
        (v.jwt, r'{"content":"SUPABASE_SERVICE_ROLE_KEY=§\nPORT=3000\n"}'),
    ],
}
