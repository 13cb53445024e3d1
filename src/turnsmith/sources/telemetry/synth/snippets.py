# ruff: noqa: E501 - code, traces and log lines read better whole
"""Code, stack traces and log lines. A slot such as `{func}` is filled by `texts.TextMaker`."""

CODE = {
    "python": (
        "def {func}({var}: list[str], limit: int = {n}) -> dict[str, int]:\n    counts: dict[str, int] = {}\n"
        "    for entry in {var}:\n        counts[entry] = counts.get(entry, 0) + 1\n    return counts\n",
        "class {cls}:\n    def __init__(self, {var}, timeout={n}):\n        self.{var} = {var}\n        self.timeout = timeout\n\n"
        "    async def {func}(self):\n        async with self.lock:\n            return await self.{var}.get()\n",
        "@pytest.mark.parametrize('size', [0, 1, {n}])\ndef test_{func}(size):\n"
        "    assert len({func}(range(size))) == size\n",
        "with open(path, encoding='utf-8') as {var}:\n    rows = [json.loads(line) for line in {var} if line.strip()]\n"
        "logger.info('read %d rows', len(rows))\n",
    ),
    "typescript": (
        "export async function {func}({var}: string): Promise<number> {\n  const response = await fetch(`/api/${{var}}`);\n"
        "  if (!response.ok) throw new Error('{err}');\n  return (await response.json()).length;\n}\n",
        "const [{var}, setValue] = useState<string | null>(null);\n"
        "useEffect(() => { {func}().then(setValue); }, []);\n",
        "interface {cls}Props {\n  {var}: string;\n  limit?: number; // defaults to {n}\n  onChange(value: string): void;\n}\n",
    ),
    "go": (
        "func (s *{cls}) {func}(ctx context.Context, {var} string) error {\n\tif err := s.db.Ping(ctx); err != nil {\n"
        "\t\treturn fmt.Errorf(\"{err}: %w\", err)\n\t}\n\treturn s.queue.Push(ctx, {var}, {n})\n}\n",
        "for i := range {var} {\n\twg.Add(1)\n\tgo func(i int) {\n\t\tdefer wg.Done()\n\t\t{func}(i)\n\t}(i)\n}\nwg.Wait()\n",
        "type {cls} struct {\n\tID    int64  `json:\"id\"`\n\tLabel string `json:\"{var}\"`\n}\n",
    ),
    "rust": (
        "pub fn {func}(input: &[u8]) -> Result<Vec<{cls}>, Error> {\n    let {var} = input.len() / {n};\n"
        "    input.chunks({var}.max(1)).map({cls}::try_from).collect()\n}\n",
        "#[derive(Debug, Clone, Serialize)]\nstruct {cls} {\n    {var}: Option<String>,\n    retries: u32, // at most {n}\n}\n",
        "match {func}(&{var}).await {\n    Ok(value) => tracing::info!(?value, \"done\"),\n"
        "    Err(e) => return Err(e.context(\"{err}\")),\n}\n",
    ),
    "java": (
        "public List<String> {func}(Collection<{cls}> items) {\n    return items.stream()\n"
        "        .filter(Objects::nonNull)\n        .map({cls}::name)\n        .limit({n})\n        .toList();\n}\n",
        "@Test\nvoid {func}Throws() {\n    var subject = new {cls}({n});\n"
        "    assertThrows(IllegalStateException.class, () -> subject.{func}(null)); // {err}\n}\n",
    ),
    "csharp": (
        "public async Task<int> {func}Async(string {var}, CancellationToken token = default)\n{\n"
        "    await using var scope = _{var}.CreateScope();\n    return await scope.CountAsync(x => x.Size > {n}, token);\n}\n",
        "public record {cls}(Guid Id, string Name, DateTimeOffset CreatedAt);\n\n"
        "services.AddSingleton<I{cls}, {cls}>();\n",
    ),
    "sql": (
        "SELECT o.{var}, count(*) AS total, max(o.created_at) AS latest\nFROM {var} AS o\n"
        "LEFT JOIN customers AS c ON c.id = o.customer_id\nWHERE o.created_at > now() - interval '{n} days'\n"
        "GROUP BY o.{var}\nHAVING count(*) > {n}\nORDER BY total DESC;\n",
        "ALTER TABLE {var} ADD COLUMN {func} jsonb NOT NULL DEFAULT '{}';\n"
        "CREATE INDEX CONCURRENTLY ix_{func} ON {var} ({func}) WHERE deleted_at IS NULL;\n",
    ),
    "bash": (
        "#!/usr/bin/env bash\nset -euo pipefail\nfor f in \"$1\"/*.gz; do\n  zcat \"$f\" | jq -c '.{var}' | head -n {n} || true\ndone\n",
        "{func}() {\n  local attempt=0\n  until {cmd}; do\n"
        "    attempt=$((attempt + 1)); [ \"$attempt\" -ge {n} ] && return 1\n    sleep 2\n  done\n}\n",
    ),
    "yaml": (
        "services:\n  {var}:\n    image: registry.example.com/{var}:1.{n}\n    restart: unless-stopped\n    ports:\n"
        "      - \"{n}:{n}\"\n    environment:\n      LOG_LEVEL: info\n      RETRIES: \"{n}\"\n",
        "jobs:\n  test:\n    runs-on: ubuntu-latest\n    timeout-minutes: {n}\n    steps:\n      - uses: actions/checkout@v4\n"
        "      - run: {cmd}\n      - name: {feature}\n        if: failure()\n        run: cat {file}\n",
    ),
    "html": (
        "<form id=\"{var}\" method=\"post\" action=\"/{func}\">\n  <label for=\"{var}-name\">Name</label>\n"
        "  <input id=\"{var}-name\" name=\"name\" maxlength=\"{n}\" required>\n  <button type=\"submit\">Save</button>\n</form>\n",
        ".{var}-grid {\n  display: grid;\n  grid-template-columns: repeat(auto-fill, minmax({n}px, 1fr));\n  gap: 1rem;\n}\n",
    ),
}  # fmt: skip

TRACES = (
    "Traceback (most recent call last):\n  File \"/app/{file}\", line {n}, in {func}\n    result = {func}({var})\n"
    "  File \"/app/{file}\", line {n}, in {func}\n    raise ValueError(f\"{err}: {n}\")\nValueError: {err}: {n}\n",
    "TypeError: Cannot read properties of undefined (reading '{var}')\n    at {func} (/srv/{file}:{n}:{n})\n"
    "    at async {cls}.{func} (/srv/{file}:{n}:13)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n",
    "panic: runtime error: {err} [recovered]\n\ngoroutine {n} [running]:\nmain.{func}(0xc0000{n}, 0x{n})\n\t/build/{file}:{n} +0x1d4\n"
    "created by main.{func}\n\t/build/{file}:{n} +0x{n}\nexit status 2\n",
    "java.lang.IllegalStateException: {err}\n\tat com.example.{cls}.{func}({cls}.java:{n})\n\tat com.example.{cls}.run({cls}.java:{n})\n"
    "\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1136)\n"
    "Caused by: java.io.IOException: {err}\n\t... {n} more\n",
    "error[E0{n}]: {err}\n  --> {file}:{n}:17\n   |\n{n} |     let {var} = {func}(&{var})?;\n   |                 ^^^^ expected `{cls}`, found `Option`\n"
    "   = help: try wrapping the expression in `Some`\n",
    "FAILED {file}::test_{func} - AssertionError: assert {n} == {n}\n  where {n} = len({var})\n"
    "========== {n} failed, {n} passed in {n}.4s ==========\n",
)  # fmt: skip

LOG_LINES = (
    "2026-01-12T09:{n}:07Z INFO  {cls} {func} finished in {n} ms {var}={n}\n",
    "2026-01-12T09:{n}:09Z WARN  {cls} retry {n} of 5: {err}\n",
    "[{n}] \"GET /api/{var}/{n} HTTP/1.1\" 200 {n} \"-\" \"Mozilla/5.0\"\n",
    "[{n}] \"POST /api/{func} HTTP/1.1\" 500 {n} \"{err}\"\n",
    "ERROR {file}:{n} {func}: {err} ({var}={n})\n",
    "  ✓ {func} keeps {var} ({n} ms)\n",
    "  ✗ {func} drops {var}: expected {n}, received {n}\n",
    "npm WARN deprecated {lib}@1.{n}.0: use {func} instead\n",
    "{n}: {var},{n},\"{feature}\",{n}.50,active\n",
    "DEBUG sql: select * from {var} where id = {n} -- {n} rows, {n} ms\n",
    "worker-{n} | took {var} {n}/{n} from the queue, {n} left\n",
)  # fmt: skip
