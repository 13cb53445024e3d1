"""Sort the records of a file into conversations: the sessions in it, and the sub-agents of each.

A file is one session as a rule. Old versions wrote sub-agents into the main file (`isSidechain`) and resumed a
session in a file that holds the earlier one's records; somebody may also have put many files into one.
"""

from collections import OrderedDict
from collections.abc import Iterator

from turnsmith.sources.logs.claude_code.records import Record

OPEN_SESSIONS = 8
BOUNDARY = "compact_boundary"


def is_boundary(record: Record) -> bool:
    """Say whether a record marks a compaction of the conversation."""
    return record.type == "system" and record.subtype == BOUNDARY


class Conversation:
    """Hold the records of one conversation in file order, and how all its records hang together."""

    def __init__(self, session: str, agent: str | None, number: int) -> None:
        self.number = number
        self.session = session
        self.agent = agent
        self.records: list[Record] = []
        self.parents: dict[str, str | None] = {}

    @property
    def id(self) -> str:
        """Return the session's id, with the agent's for a sub-agent."""
        return f"{self.session}/{self.agent}" if self.agent else self.session

    def add(self, record: Record) -> bool:
        """Take a message; return False for a record that is there already."""
        if record.uuid and record.uuid in self.parents:
            return False
        self._link(record)
        self.records.append(record)
        return True

    def link(self, record: Record) -> None:
        """Take a record that only links messages; a compaction also keeps its place among them."""
        self._link(record)
        if is_boundary(record):
            self.records.append(record)

    def _link(self, record: Record) -> None:
        if record.uuid:
            self.parents.setdefault(record.uuid, record.parent_uuid)


class Conversations:
    """Hold the conversations of a file that may still grow, of the few sessions that were touched last."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, list[Conversation]] = OrderedDict()
        self._owners: dict[str, Conversation] = {}
        self._aliases: dict[str, str] = {}
        self._count = 0

    def of(self, record: Record) -> tuple[Conversation, list[Conversation]]:
        """Return the conversation of a record, and those that were closed to make room for it."""
        owner = self._owners.get(record.parent_uuid or "")
        session = self._session_of(record, owner)
        closed = []
        if session not in self._sessions:
            self._sessions[session] = []
            if len(self._sessions) > OPEN_SESSIONS:
                closed = self._close(next(iter(self._sessions)))
        self._sessions.move_to_end(session)
        conversation = self._in_session(session, record, owner)
        if record.uuid:
            self._owners.setdefault(record.uuid, conversation)
        return conversation, closed

    def rest(self) -> Iterator[Conversation]:
        """Yield what is open when the file ends, in the order in which it began."""
        conversations = [each for session in self._sessions.values() for each in session]
        yield from sorted(conversations, key=lambda each: each.number)

    def _session_of(self, record: Record, owner: Conversation | None) -> str:
        """Return the session; a record that hangs on another session's goes on with that one."""
        named = record.session_id or (owner.session if owner else "")
        if named not in self._aliases:
            self._aliases[named] = owner.session if owner else named
        return self._aliases[named]

    def _in_session(self, session: str, record: Record, owner: Conversation | None) -> Conversation:
        conversations = self._sessions[session]
        agent = self._agent_of(record, owner, conversations)
        for conversation in conversations:
            if conversation.agent == agent:
                return conversation
        self._count += 1
        conversations.append(Conversation(session, agent, self._count))
        return conversations[-1]

    @staticmethod
    def _agent_of(
        record: Record, owner: Conversation | None, conversations: list[Conversation]
    ) -> str | None:
        """Return the sub-agent's name; old versions gave none, so there its first record's stands for it."""
        if not record.is_sidechain:
            return None
        if record.agent_id:
            return record.agent_id
        if owner and owner.agent:
            return owner.agent
        agents = [conversation.agent for conversation in conversations if conversation.agent]
        if agents and not (record.type == "user" and record.parent_uuid is None):
            return agents[-1]
        return f"sidechain-{record.uuid or record.line}"

    def _close(self, session: str) -> list[Conversation]:
        closed = self._sessions.pop(session)
        names = {uuid for conversation in closed for uuid in conversation.parents}
        self._owners = {uuid: owner for uuid, owner in self._owners.items() if uuid not in names}
        self._aliases = {name: alias for name, alias in self._aliases.items() if alias != session}
        return closed
