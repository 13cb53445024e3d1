"""Put a transcript into the order of the chat format: each tool call with its result right behind it."""

from turnsmith.core.chat import Message as ChatMessage
from turnsmith.curate.account import Account
from turnsmith.sources.logs.exchanges import joined, turns_of
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript

CALLS_LEFT_OUT = "tool calls without a result, left out"
RESULTS_AT_THE_END = "tool calls and results at the end without an answer, left out"
REQUESTS_AT_THE_END = "last requests without an answer, left out"
# In a chat the last turn is one message or a few: where it ends in calls, it only says what it is about to do. An
# agent's session that was cut holds work before that, so there only the end of the turn goes.
CHATS = ("claude-ai", "chatgpt")
RESULTS_LEFT_OUT = "tool results without a call, left out"


def trajectory_of(transcript: Transcript, account: Account, *, keep_reasoning: bool) -> list[ChatMessage]:
    """Return the messages of a transcript from its first request on; [] where nothing was answered.

    Two messages of one role in a row become one. What has no counterpart is left out and noted in the account.
    """
    turns, before = turns_of(transcript)
    while transcript.source in CHATS and turns and not turns[-1].answer_text:
        turns.pop()
        account.note(REQUESTS_AT_THE_END)
    account.note("messages before the first request, left out", len(before))
    used = [message for turn in turns for message in (turn.request, *turn.rest)]
    results = {message.tool_call_id: message for message in reversed(used) if message.role == "tool"}
    chat = _Chat(keep_reasoning)
    for message in used:
        if message.role == "user":
            chat.add("user", message.text)
        elif message.role == "assistant":
            # Popped one by one: a second call of the same id has no result of its own.
            matched = [(call, results.pop(call.id)) for call in message.tool_calls if call.id in results]
            account.note(CALLS_LEFT_OUT, len(message.tool_calls) - len(matched))
            chat.add_assistant(message, [call for call, _ in matched])
            for _, answer in matched:
                chat.add_result(answer)
    account.note(RESULTS_LEFT_OUT, len(results))
    return chat.finished(account)


class _Chat:
    """Gather messages of the chat format."""

    def __init__(self, keep_reasoning: bool) -> None:
        self._keep_reasoning = keep_reasoning
        self._messages: list[ChatMessage] = []

    def add(self, role: str, text: str) -> ChatMessage:
        """Add a text to the last message if that has the role, or as a message of its own."""
        if not self._messages or self._messages[-1]["role"] != role:
            self._messages.append({"role": role, "content": ""})
        last = self._messages[-1]
        last["content"] = joined((last["content"], text))
        return last

    def add_assistant(self, message: Message, calls: list[ToolCall]) -> None:
        """Add what the assistant said, with those of its calls that have a result."""
        reasoning = message.reasoning.strip() if self._keep_reasoning else ""
        if not (message.text.strip() or calls or reasoning):
            return
        last = self.add("assistant", message.text)
        if reasoning:
            last["reasoning_content"] = joined((last.get("reasoning_content", ""), reasoning))
        if calls:
            last["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in calls
            ]

    def add_result(self, result: Message) -> None:
        """Add a tool's result."""
        self._messages.append({"role": "tool", "tool_call_id": result.tool_call_id, "content": result.text})

    def finished(self, account: Account) -> list[ChatMessage]:
        """Return the messages up to the last one in which the assistant says something.

        Where a session was cut, or compacted in the middle of the work, calls and results stand behind it that
        no answer follows; trainers refuse an example that ends so.
        """
        messages = self._messages
        while messages and not (messages[-1]["role"] == "assistant" and "tool_calls" not in messages[-1]):
            last = messages[-1]
            if last["role"] == "assistant" and last["content"]:
                del last["tool_calls"]
            else:
                messages.pop()
            if last["role"] != "assistant":
                account.note(REQUESTS_AT_THE_END if last["role"] == "user" else RESULTS_AT_THE_END)
        return messages
