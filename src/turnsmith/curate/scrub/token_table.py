"""The tokens that their issuers made easy to tell: by a prefix, a length, an alphabet."""

import re
import string
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """Describe a kind of token.

    `heads` are what stands before the first `_`, `-` or `.` of it, or, where `literal`, a part to look for.
    `back` is how far before such a part the token may begin, in characters of its `alphabet`.
    """

    rule: str
    kind: str
    what: str
    heads: tuple[str, ...]
    pattern: re.Pattern[str]
    literal: bool = False
    back: int = 0
    alphabet: str = ""


def _headed(rule: str, kind: str, what: str, heads: str, pattern: str) -> Token:
    return Token(rule, kind, what, tuple(heads.split()), re.compile(pattern))


def _literal(
    rule: str, kind: str, what: str, heads: str, pattern: str, back: int = 0, alphabet: str = ""
) -> Token:
    return Token(rule, kind, what, tuple(heads.split()), re.compile(pattern), True, back, alphabet)


LETTERS = string.ascii_letters + string.digits

_END = r"(?![A-Za-z0-9])"

# Three parts; the second, between dots, is what to look for.
DISCORD = (
    r"(?<![A-Za-z0-9_-])[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![A-Za-z0-9_-])"
)

TOKENS = (
    _literal(
        "aws-key-id",
        "AWS_KEY",
        "AWS access key id",
        "AKIA ASIA ABIA ACCA",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}" + _END,
    ),
    _headed(
        "github-token",
        "GITHUB_TOKEN",
        "GitHub token: personal (classic, fine-grained), OAuth, app, refresh",
        "ghp gho ghu ghs ghr github",
        r"(?:gh[pousr]_[A-Za-z0-9_]{30,255}|github_pat_[A-Za-z0-9_]{36,255})" + _END,
    ),
    _headed(
        "gitlab-token",
        "GITLAB_TOKEN",
        "GitLab token: personal, deploy, runner, trigger, CI",
        "glpat gldt glrt glcbt glptt glsoat glft glimt glagent glffct gloas",
        r"gl[a-z]{2,5}-[A-Za-z0-9_.-]{18,300}[A-Za-z0-9_]" + _END,
    ),
    _headed(
        "slack-token",
        "SLACK_TOKEN",
        "Slack token: bot, user, app, refresh, configuration",
        "xoxb xoxp xoxa xoxo xoxr xoxs xoxe xoxc xoxd xapp",
        r"(?:xoxe\.)?(?:xox[a-z]|xapp)-[A-Za-z0-9%-]{16,500}" + _END,
    ),
    _literal(
        "slack-webhook",
        "SLACK_WEBHOOK",
        "Slack incoming webhook or workflow trigger",
        "hook",
        r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,200}",
    ),
    _headed(
        "stripe-key",
        "STRIPE_KEY",
        "Stripe key (secret, restricted, publishable) or webhook secret",
        "sk rk pk whsec",
        r"(?:[srp]k_(?:live|test|prod)_[A-Za-z0-9_]{16,247}|whsec_[A-Za-z0-9+/=_-]{24,128})" + _END,
    ),
    _headed(
        "anthropic-key",
        "ANTHROPIC_KEY",
        "Anthropic key: API, admin, OAuth, session",
        "sk",
        r"sk-ant-[A-Za-z0-9_-]{20,300}" + _END,
    ),
    _headed(
        "openai-key",
        "OPENAI_KEY",
        "OpenAI key: legacy, project, service account, admin; and of its shape",
        "sk sess",
        r"(?:sk-(?!ant-)(?:proj|svcacct|admin|service|None|or-v1)-[A-Za-z0-9_-]{20,300}"
        r"|sk-[A-Za-z0-9]{20,100}|sess-[A-Za-z0-9]{32,64})" + _END,
    ),
    _literal(
        "google-api-key", "GOOGLE_KEY", "Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"
    ),
    _headed(
        "google-oauth",
        "GOOGLE_TOKEN",
        "Google OAuth: client secret, access token",
        "GOCSPX ya29",
        r"(?:GOCSPX-[A-Za-z0-9_-]{24,40}|ya29\.[A-Za-z0-9_.-]{20,2048})" + _END,
    ),
    _literal(
        "google-refresh-token",
        "GOOGLE_TOKEN",
        "Google OAuth refresh token",
        "1//0",
        r"1//0[A-Za-z0-9_-]{30,200}" + _END,
    ),
    _headed("npm-token", "NPM_TOKEN", "npm access token", "npm", r"npm_[A-Za-z0-9]{30,80}" + _END),
    _headed("pypi-token", "PYPI_TOKEN", "PyPI API token", "pypi", r"pypi-[A-Za-z0-9_-]{32,1000}" + _END),
    _headed(
        "hugging-face-token",
        "HF_TOKEN",
        "Hugging Face token",
        "hf api",
        r"(?:hf|api_org)_[A-Za-z0-9]{30,80}" + _END,
    ),
    _literal(
        "azure-key",
        "AZURE_KEY",
        "Azure key with the service's signature inside",
        "JQQJ9 ASt AMC ARm AIo APIM ACDb AzFu AzCa AzSe",
        r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{76}(?:\+ASt|\+AMC|APIM|ACDb|\+ARm)[A-Za-z0-9+/]{6}=="
        r"|[A-Za-z0-9+/]{33,44}(?:\+ASt|\+ARm|\+AIo|AzFu|AzCa|AzSe|ACDb|APIM)[A-Za-z0-9+/]{4,6}={0,2}"
        r"|[A-Za-z0-9]{52}JQQJ9[9D][A-Za-z0-9]{20,30})(?![A-Za-z0-9+/=])",
        80,
        LETTERS + "+/",
    ),
    _literal(
        "azure-storage-key",
        "AZURE_KEY",
        "Key of an Azure storage account",
        "==",
        r"(?<![A-Za-z0-9+/-])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9=])",
        86,
        LETTERS + "+/",
    ),
    _literal(
        "azure-client-secret",
        "AZURE_SECRET",
        "Client secret of an Azure AD (Entra) app",
        "Q~",
        r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])",
        4,
        LETTERS + "_~.-",
    ),
    _literal(
        "azure-sas",
        "AZURE_SIGNATURE",
        "Signature of an Azure shared access URL",
        "sig=",
        r"(?<=sig=)[A-Za-z0-9%+/]{30,100}={0,2}",
        back=-4,
    ),
    _literal(
        "telegram-token",
        "TELEGRAM_TOKEN",
        "Telegram bot token",
        ":A",
        r"(?<![0-9])[0-9]{8,10}:A[A-Za-z0-9_-]{33,35}(?![A-Za-z0-9_-])",
        10,
        string.digits,
    ),
    _literal(
        "twilio-key",
        "TWILIO_KEY",
        "Twilio account or API key id",
        "SK AC",
        r"(?<![A-Za-z0-9])(?:SK|AC)[0-9a-f]{32}" + _END,
    ),
    _headed(
        "sendgrid-key",
        "SENDGRID_KEY",
        "SendGrid key",
        "SG",
        r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}" + _END,
    ),
    _headed(
        "digitalocean-token",
        "DIGITALOCEAN_TOKEN",
        "DigitalOcean token",
        "dop doo dor",
        r"do[por]_v1_[0-9a-f]{64}" + _END,
    ),
    _literal(
        "mailchimp-key",
        "MAILCHIMP_KEY",
        "Mailchimp key",
        "-us",
        r"(?<![A-Za-z0-9])[0-9a-f]{32}-us[0-9]{1,2}" + _END,
        32,
        string.hexdigits,
    ),
    _headed("discord-token", "DISCORD_TOKEN", "Discord bot token", "", DISCORD),
    _literal(
        "databricks-token",
        "DATABRICKS_TOKEN",
        "Databricks token",
        "dapi",
        r"dapi[0-9a-f]{32}(?:-[0-9])?" + _END,
    ),
    _literal(
        "webhook",
        "WEBHOOK",
        "Webhook of Discord or Microsoft Teams",
        "hook",
        r"hook(?:s/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}|\.office\.com/[A-Za-z0-9@/-]{60,300})",
    ),
    _literal(
        "jwt",
        "JWT",
        "JSON Web Token",
        "eyJ",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
        r"|[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)",
    ),
    _headed(
        "other-token",
        "TOKEN",
        "Token with the prefix of another service (Shopify, Vault, Grafana, Groq and so on)",
        "shpat shpca shppa shpss sq0atp sq0csp hvs hvb glsa glc NRAK nvapi gsk xai pplx r8 tskey figd dckr "
        "ATATT3xFf ATCTT3xFf ATBB rubygems sntrys sntryu lin ntn secret pscale sbp phx xkeysib PMAK lsv2 tvly "
        "pat rnd re dp sgp CFPAT age fo1 AGE",
        r"(?:shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}|hv[sb]\.[A-Za-z0-9_-]{24,300}"
        r"|glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,400}|NRAK-[A-Z0-9]{27}|nvapi-[A-Za-z0-9_-]{40,80}"
        r"|gsk_[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9]{60,90}|pplx-[A-Za-z0-9]{40,60}|r8_[A-Za-z0-9]{37,40}"
        r"|tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{20,40}|figd_[A-Za-z0-9_-]{36,60}|dckr_pat_[A-Za-z0-9_-]{24,40}"
        r"|A[TC][AT]TT3xFf[A-Za-z0-9_=-]{60,300}|rubygems_[0-9a-f]{48}|sntry[su]_[A-Za-z0-9+/=_-]{40,400}"
        r"|lin_(?:api|oauth)_[A-Za-z0-9]{32,64}|ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43}"
        r"|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_-]{32,64}|sbp_[0-9a-f]{40}|phx_[A-Za-z0-9]{40,60}"
        r"|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"
        r"|tvly-[A-Za-z0-9-]{20,60}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|rnd_[A-Za-z0-9]{28,40}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}"
        r"|dp\.(?:pt|st|ct)\.[A-Za-z0-9._-]{40,60}|sgp_[A-Za-z0-9_]{40,80}|CFPAT-[A-Za-z0-9_-]{43}"
        r"|AGE-SECRET-KEY-1[0-9A-Z]{58}|fo1_[A-Za-z0-9_-]{43})" + _END,
    ),
)
