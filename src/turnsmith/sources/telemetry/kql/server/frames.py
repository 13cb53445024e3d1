"""Bodies of responses: v1 tables and v2 frames, with a partial failure where Kusto puts it.

By default a failure is a record among the rows, and the completion frame repeats it; with
`deferpartialqueryfailures` the rows stay clean and only the completion information tells of it.
"""

from datetime import UTC, datetime
from typing import Any

from turnsmith.sources.telemetry.kql.server.engine import Answer
from turnsmith.sources.telemetry.kql.server.faults import Ids
from turnsmith.sources.telemetry.kql.server.wire import DATA_TYPES, datetime_text, dumps

_VISUALIZATION = dumps(
    {"Visualization": None, "Title": None, "XColumn": None, "Series": None, "YColumns": None, "XTitle": None,
     "YTitle": None, "Legend": None, "Accumulate": False, "IsQuerySorted": False, "Kind": None}
)  # fmt: skip
_STATUS_V1 = {
    "Timestamp": "datetime", "Severity": "int", "SeverityName": "string", "StatusCode": "int",
    "StatusDescription": "string", "Count": "int", "RequestId": "guid", "ActivityId": "guid",
    "SubActivityId": "guid", "ClientActivityId": "string",
}  # fmt: skip
_STATUS_V2 = {
    "Timestamp": "datetime", "ClientRequestId": "string", "ActivityId": "guid", "SubActivityId": "guid",
    "ParentActivityId": "guid", "Level": "int", "LevelName": "string", "StatusCode": "int",
    "StatusCodeName": "string", "EventType": "int", "EventTypeName": "string", "Payload": "string",
}  # fmt: skip
_CONTENTS = {"Ordinal": "long", "Kind": "string", "Name": "string", "Id": "string", "PrettyName": "string"}
_ERROR, _INFO, _STATS = (2, "Error"), (4, "Info"), (6, "Stats")
Rows = list[bytes]


def v1_body(answer: Answer, ids: Ids, deferred: bool) -> bytes:
    """Return the tables of a query: result, properties, status, contents; after a failure the result alone."""
    types = {column.name: column.type for column in answer.columns}
    if answer.failure and not deferred:
        message = [answer.failure.message]
        rows = [*answer.rows, _encoded({"Exceptions": message})]
        tables = _table_v1("Table_0", types, rows)
        return b'{"Tables":[' + tables + b'],"Exceptions":' + _encoded(message) + b"}"
    kinds = [("QueryResult", "PrimaryResult"), ("QueryProperties", "@ExtendedProperties"),
             ("QueryStatus", "QueryStatus")]  # fmt: skip
    contents = [[i, kind, name, ids.activity, ""] for i, (kind, name) in enumerate(kinds)]
    tables = b",".join(
        [
            _table_v1("Table_0", types, answer.rows),
            _table_v1("Table_1", {"Value": "string"}, [_encoded([_VISUALIZATION])]),
            _table_v1("Table_2", _STATUS_V1, _status_v1(answer, ids)),
            _table_v1("Table_3", _CONTENTS, [_encoded(row) for row in contents]),
        ]
    )
    return b'{"Tables":[' + tables + b"]}"


def v1_table(types: dict[str, str], rows: list[list[Any]]) -> bytes:
    """Return the one table of a management command."""
    return b'{"Tables":[' + _table_v1("Table_0", types, [_encoded(row) for row in rows]) + b"]}"


def v2_body(answer: Answer, ids: Ids, deferred: bool) -> bytes:
    """Return the frames of a query."""
    header = {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}
    completion: dict[str, Any] = {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False}
    types = {column.name: column.type for column in answer.columns}
    properties = {"TableId": "int", "Key": "string", "Value": "dynamic"}
    rows, in_rows = answer.rows, answer.failure is not None and not deferred
    if answer.failure and in_rows:
        errors = {"OneApiErrors": [answer.failure.body(ids)]}
        rows = [*rows, _encoded(errors)]
        completion |= {"HasErrors": True, **errors}
    frames = [
        _encoded(header),
        _table_v2(0, "QueryProperties", "@ExtendedProperties", properties,
                  [_encoded([1, "Visualization", _VISUALIZATION])]),
        _table_v2(1, "PrimaryResult", "PrimaryResult", types, rows),
    ]  # fmt: skip
    if not in_rows:
        name = "QueryCompletionInformation"
        frames.append(_table_v2(2, name, name, _STATUS_V2, _status_v2(answer, ids)))
    return b"[" + b",\n".join([*frames, _encoded(completion)]) + b"]"


def _table_v1(name: str, types: dict[str, str], rows: Rows) -> bytes:
    columns = [
        {"ColumnName": column, "DataType": DATA_TYPES[kind], "ColumnType": kind}
        for column, kind in types.items()
    ]
    return _with_rows({"TableName": name, "Columns": columns}, rows)


def _table_v2(number: int, kind: str, name: str, types: dict[str, str], rows: Rows) -> bytes:
    columns = [{"ColumnName": column, "ColumnType": type_} for column, type_ in types.items()]
    frame = {"FrameType": "DataTable", "TableId": number, "TableKind": kind, "TableName": name}
    return _with_rows({**frame, "Columns": columns}, rows)


def _with_rows(table: dict[str, Any], rows: Rows) -> bytes:
    return _encoded(table)[:-1] + b',"Rows":[' + b",".join(rows) + b"]}"


def _status_v1(answer: Answer, ids: Ids) -> Rows:
    return [
        _encoded(
            [_now(), *level, code, text, 1, ids.activity, ids.activity, ids.activity, ids.client_request]
        )
        for level, code, _, _, text in _events(answer)
    ]


def _status_v2(answer: Answer, ids: Ids) -> Rows:
    return [
        _encoded([_now(), ids.client_request, *[ids.activity] * 3, *level, code, name, 1, event,
                  text if level == _STATS else dumps({"Count": 1, "Text": text})])
        for level, code, name, event, text in _events(answer)
    ]  # fmt: skip


def _events(answer: Answer) -> list[tuple[tuple[int, str], int, str, str, str]]:
    """Return level, status code and name, event and text of what there is to say about a query's end."""
    failure = answer.failure
    if failure:
        end = (_ERROR, failure.status, failure.status_name, failure.event, failure.message)
    else:
        end = (_INFO, 0, "S_OK (0)", "QueryInfo", "Query completed successfully")
    statistics = dumps(
        {"dataset_statistics": [{"table_row_count": len(answer.rows), "table_size": answer.size}]}
    )
    return [end, (_STATS, 0, "S_OK (0)", "QueryResourceConsumption", statistics)]


def _now() -> str:
    return datetime_text(datetime.now(UTC))


def _encoded(value: Any) -> bytes:
    return dumps(value).encode("utf-8", "replace")
