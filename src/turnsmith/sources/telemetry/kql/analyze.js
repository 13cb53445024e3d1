// Parse and analyze KQL with Kusto's own parser.
//
// In: one JSON object on stdin, {"paths": [folders to find node_modules from], "tables": {name: {column: type}},
// "queries": [{"name": ..., "text": ...}]}. Out: one JSON object on stdout, {"version": ..., "queries": [{"name",
// "diagnostics": [{"severity", "code", "message", "line", "column"}], "columns": [{"name", "type"}] or null}]}.
"use strict";

const PACKAGE = "@kusto/language-service-next";
const MISSING = 3;
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));

function load(file) {
  return require(require.resolve(`${PACKAGE}/${file}`, { paths: given.paths }));
}

let version;
try {
  version = load("package.json").version;
  load("bridge.min.js"); // defines the globals that the parser is written in
  load("Kusto.Language.Bridge.min.js");
} catch (error) {
  if (error.code !== "MODULE_NOT_FOUND") throw error;
  process.exit(MISSING);
}

const { Symbols, GlobalState, KustoCode } = Kusto.Language;

function toArray(list) {
  const items = [];
  for (let i = 0; i < (list ? list.Count : 0); i++) items.push(list.getItem(i));
  return items;
}

function globals(tables) {
  const symbols = Object.entries(tables).map(([table, columns]) => {
    const list = Object.entries(columns).map(
      ([name, type]) => new Symbols.ColumnSymbol(name, Symbols.ScalarTypes.GetSymbol(type), null, null, null, null)
    );
    return new Symbols.TableSymbol.$ctor4(table, list);
  });
  const database = new Symbols.DatabaseSymbol.ctor("NetDefaultDB", symbols);
  return GlobalState.Default.WithDatabase(database);
}

function position(text, offset) {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

function analyze(query, state) {
  const code = KustoCode.ParseAndAnalyze(query.text, state);
  const diagnostics = toArray(code.GetDiagnostics()).map((found) => ({
    severity: String(found.Severity).toLowerCase(),
    code: found.Code,
    message: found.Message,
    ...position(query.text, found.Start),
  }));
  const result = code.ResultType;
  const columns =
    result && result.Columns
      ? toArray(result.Columns).map((column) => ({ name: column.Name, type: column.Type.Name }))
      : null;
  return { name: query.name, diagnostics, columns };
}

const state = globals(given.tables);
process.stdout.write(JSON.stringify({ version, queries: given.queries.map((query) => analyze(query, state)) }));
