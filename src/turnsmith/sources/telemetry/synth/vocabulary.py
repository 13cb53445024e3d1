"""Words and English sentences of requests. A slot such as `{file}` is filled by `texts.TextMaker`."""

LANGUAGES = ("python", "typescript", "go", "rust", "java", "csharp", "sql", "bash", "yaml", "html")

_EXTENSIONS = {
    "python": "py",
    "typescript": "ts",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "csharp": "cs",
    "sql": "sql",
    "bash": "sh",
    "yaml": "yaml",
    "html": "html",
}

_FOLDERS = (
    "src", "src/api", "src/core", "app", "app/services", "internal/store", "lib", "lib/parsers",
    "pkg/queue", "server", "server/handlers", "web/components", "web/hooks", "tests", "tests/integration",
    "scripts", "deploy", "tools", "db/migrations", "backend/auth", "backend/billing", "packages/shared",
    "services/search", "jobs",
)  # fmt: skip
_STEMS = (
    "account", "audit_log", "backup", "cache", "calendar", "cart", "checkout", "client", "config",
    "connection", "consumer", "dashboard", "email_sender", "events", "export", "feature_flags", "geocoder",
    "health", "importer", "index", "inventory", "invoice", "job_runner", "ledger", "login", "main",
    "metrics", "middleware", "notifications", "orders", "pagination", "payment", "permissions", "profile",
    "rate_limit", "report", "retry", "router", "scheduler", "schema", "search", "session", "settings",
    "shipping", "storage", "sync", "tokenizer", "upload", "user", "validation", "webhook", "worker",
)  # fmt: skip
_VERBS = (
    "apply", "archive", "build", "cancel", "collect", "compare", "compute", "convert", "decode", "delete",
    "enqueue", "fetch", "filter", "flush", "format", "group", "handle", "load", "lock", "match", "merge",
    "normalize", "notify", "parse", "publish", "read", "refresh", "register", "render", "resolve",
    "restore", "retry", "save", "schedule", "send", "serialize", "split", "sync", "update", "validate",
)  # fmt: skip
_NOUNS = (
    "account", "address", "archive", "batch", "cache", "chunk", "column", "config", "cursor", "document",
    "email", "entry", "event", "feed", "filter", "header", "image", "invoice", "item", "job", "label",
    "message", "metric", "order", "page", "payload", "payment", "permission", "price", "query", "record",
    "report", "request", "response", "role", "row", "schema", "session", "snapshot", "token",
)  # fmt: skip
_SUFFIXES = (
    "Service",
    "Repository",
    "Handler",
    "Controller",
    "Client",
    "Factory",
    "Store",
    "Parser",
    "Manager",
    "Adapter",
)


def _cased(language: str, first: str, second: str) -> str:
    if language in ("python", "rust", "bash", "sql", "yaml"):
        return f"{first}_{second}"
    if language in ("go", "csharp"):
        return first.capitalize() + second.capitalize()
    return first + second.capitalize()


# Strides that share no factor with the lengths walk every list in an order that looks unordered.
FILES = {
    language: tuple(
        f"{_FOLDERS[i * 7 % len(_FOLDERS)]}/{_STEMS[i * 11 % len(_STEMS)]}.{extension}"
        for i in range(len(_STEMS) * 5)
    )
    for language, extension in _EXTENSIONS.items()
}
FUNCTIONS = {
    language: tuple(
        _cased(language, _VERBS[i * 13 % len(_VERBS)], _NOUNS[(i * 9 + i // len(_NOUNS)) % len(_NOUNS)])
        for i in range(1600)
    )
    for language in LANGUAGES
}
CLASSES = tuple(
    _NOUNS[i * 11 % len(_NOUNS)].capitalize() + _SUFFIXES[(i * 3 + i // len(_NOUNS)) % len(_SUFFIXES)]
    for i in range(400)
)
VARIABLES = (
    *_NOUNS,
    *(f"{noun}_id" for noun in _NOUNS),
    *(f"max_{noun}s" for noun in _NOUNS),
    *(f"{noun}s" for noun in _NOUNS),
)
NUMBERS = tuple(
    str(n) for n in (*range(2, 60), *range(60, 1000, 7), 1024, 2048, 4096, 5432, 8080, 10_000, 65_536)
)
FEATURES = (
    "CSV import", "dark mode", "password reset", "the audit log", "full-text search", "invoice export",
    "bulk delete", "single sign-on", "the rate limiter", "pagination", "file upload", "email notifications",
    "the retry logic", "two-factor login", "the onboarding tour", "currency conversion",
    "the health endpoint", "role-based access", "offline sync", "the webhook receiver", "image thumbnails",
    "the activity feed", "calendar sharing", "keyboard shortcuts", "the settings page", "order tracking",
    "soft deletes", "tagging", "the command line flags", "scheduled reports", "undo and redo",
    "drag and drop", "saved filters", "the public API", "localization",
)  # fmt: skip
LIBRARIES = (
    "pydantic", "sqlalchemy", "fastapi", "pytest", "numpy", "react", "vite", "zod", "prisma", "express",
    "tokio", "serde", "axum", "spring-boot", "jackson", "hibernate", "xunit", "entity framework", "gorm",
    "cobra", "redis", "kafka", "postgres", "terraform", "docker compose", "github actions", "helm",
    "playwright", "eslint", "webpack",
)  # fmt: skip
COMMANDS = (
    "pytest -x -q", "npm test", "npm run build", "go test ./...", "cargo test", "cargo clippy",
    "mvn -q verify", "dotnet test", "make lint", "docker compose up", "git rebase main", "ruff check .",
    "tsc --noEmit", "terraform plan", "kubectl get pods", "helm upgrade", "pnpm install", "uv sync",
    "alembic upgrade head", "gradle build",
)  # fmt: skip
ERRORS = (
    "connection refused", "index out of range", "unexpected token", "permission denied", "timeout exceeded",
    "null reference", "type mismatch", "module not found", "invalid date", "foreign key violation",
    "deadlock detected", "out of memory", "broken pipe", "unknown column", "certificate has expired",
    "too many open files", "CORS error", "401 Unauthorized", "502 Bad Gateway", "no such file or directory",
    "duplicate key value", "division by zero", "maximum call stack size exceeded", "unresolved import",
)  # fmt: skip

SHORT_REPLIES = (
    "yes please", "go ahead", "continue", "looks good, commit it", "try again", "run {cmd}",
    "no, revert that", "why?", "fix it", "still {err}", "now do the same in {file}", "rename it to {func}",
    "undo the last change", "ok, next", "thanks! what about {feature}?", "use {lib} instead",
    "explain {func}", "add tests", "it still fails", "remove {var}", "what changed in {file}?",
    "make it async", "not what I meant", "keep {cls} as is", "and the docs?",
)  # fmt: skip

REQUESTS = (
    "Can you add {feature} to the {cls}?",
    "Please fix the {err} error that I get when I call {func}.",
    "I get \"{err}\" whenever {file} is loaded with more than {n} rows.",
    "Refactor {func} in {file}, it has grown to {n} lines and nobody understands it.",
    "Write unit tests for {cls}, including the case where {var} is empty.",
    "How does {func} decide which {var} to use?",
    "Why is `{cmd}` failing on CI but not on my machine?",
    "Move the code for {feature} out of {file} into its own module.",
    "We need {feature} before Friday. Start from {file} and tell me what is missing.",
    "Upgrade {lib} to the newest version and fix whatever breaks.",
    "Replace the hand-written parsing in {func} with {lib}.",
    "Review the changes in {file} and point out bugs, not style.",
    "The response of {func} takes {n} ms, can we get it under {n}?",
    "Implement {func} so that it returns every {var} once, in the order of arrival.",
    "There is a race condition somewhere between {func} and {func}, please find it.",
    "Document the public methods of {cls}.",
    "Create a migration that adds {var} to the table and backfills it in batches of {n}.",
    "Explain what happens when {var} is missing from the payload.",
    "Set up {lib} for this repository with sensible defaults.",
    "Convert {file} to use async everywhere.",
    "Remove the dead code around {cls}; I think {func} isn't called any more.",
    "{feature} broke after the last deploy, the log says {err}.",
    "Show me where {var} is written, I only find reads.",
    "Make {func} idempotent, the queue delivers some messages twice.",
    "Port {func} from {file} to the new client without changing behavior.",
    "the tests in {file} are flaky, about 1 in {n} runs fails with {err}",
    "help me understand the stack trace below",
    "what would be the cleanest way to support {feature} without touching {cls}?",
    "Add a flag that turns {feature} off per customer.",
    "Reduce the memory use of {func}, it peaks at {n} MB for a file of {n} MB.",
    "Add structured logging to {file}, with the {var} in every line.",
    "Compare {lib} and our own {cls}: which should we keep?",
    "Generate sample data for {feature}, about {n} records with a realistic spread.",
    "Split {cls} into a reader and a writer.",
    "Validate {var} at the boundary and return a proper 400 instead of \"{err}\".",
    "Write a script that finds every {var} older than {n} days and archives it.",
    "Find out why the build got {n} % slower since we added {lib}.",
)  # fmt: skip

FOLLOW_UPS = (
    "That works, but now {func} returns {n} entries instead of {n}.",
    "Now please do the same for {cls}.",
    "The test for {var} still fails: {err}.",
    "Good. Next, wire it up in {file}.",
    "I ran `{cmd}` and it printed this:",
    "You forgot to update {file}.",
    "Undo the change to {func}, we need the old signature for {feature}.",
    "Can we do this without adding {lib}?",
    "Why did you rename {var}?",
    "Also handle the case where {cls} was never initialized.",
    "Could you explain the second step in more detail?",
    "It compiles now, yet {feature} shows {err} on the first click.",
    "Please write the commit message and list the files you touched.",
    "Let's go with the second option, but keep {func} private.",
    "Hmm, {n} seconds is still too slow, profile it first.",
    "What happens to existing rows where {var} is null?",
)  # fmt: skip

DETAILS = (
    "The relevant code is in {file} and {file}.",
    "Don't change the signature of {func}, other teams depend on it.",
    "It started about {n} days ago, after we merged {feature}.",
    "Keep {cls} backwards compatible.",
    "I already tried clearing the cache and running `{cmd}` again.",
    "Only {var} should be affected.",
    "We use {lib} everywhere else, so please stick with it.",
    "On staging it works, on production there are {n} replicas and it doesn't.",
    "Please keep the diff small and explain each step.",
    "The input has up to {n} entries, most of them tiny.",
    "{cls} calls {func} from a background thread, in case that matters.",
    "If {var} isn't set, fall back to {n}.",
    "No new dependencies, and the coverage must not drop.",
    "My guess is that {var} is shared between requests, but I am not sure.",
    "See {file} for how we did it last time.",
    "The customer sees \"{err}\" and has to reload.",
    "Ask me before you touch anything under the folder of {file}.",
    "Ideally {func} would tell the caller which {var} was wrong.",
    "This blocks {feature}, so a quick workaround is fine for now.",
    "I would rather have {n} clear lines than {n} clever ones.",
    "Run `{cmd}` when you are done.",
    "According to the docs of {lib} this should just work.",
)  # fmt: skip
