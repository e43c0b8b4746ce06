"""Wrong code: each line with an ignore comment must be an error, because an unused comment is one. Nothing is run."""

from __future__ import annotations

from pydantic import BaseModel

from deepseek_v4 import Client, Message, ModelSettings
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion
from llama_index_deepseek_v4 import DeepSeekV4


class Person(BaseModel):
    name: str


# misspelt options
ChatDeepSeekV4(modle="deepseek-v4-pro")  # type: ignore
ChatDeepSeekV4(temprature=0)  # type: ignore
DeepSeekV4Completion(max_token=64)  # type: ignore
DeepSeekV4("deepseek-v4-pro", reasoning_efort="low")  # type: ignore
DeepSeekV4(modle="deepseek-v4-pro")  # type: ignore
ModelSettings(modle="deepseek-v4-pro")  # type: ignore
client = Client(temprature=1)  # type: ignore
client = Client()
client.chat("Hi", temprature=1)  # type: ignore
client.stream("Hi", max_token=1)  # type: ignore
client.preview("Hi", thinkin=True)  # type: ignore
client.complete("def f(", suffx="return 1")  # type: ignore
client.count_tokens("Hi", tool=[])  # type: ignore

# options of another place
client.chat("Hi", api_key="sk-…")  # type: ignore
client.complete("Hi", tools=[])  # type: ignore
ChatDeepSeekV4(tools=[])  # type: ignore
DeepSeekV4Completion(streaming=True)  # type: ignore

# wrong literals
ChatDeepSeekV4(reasoning_effort="maximum")  # type: ignore
ChatDeepSeekV4(protocol="chat")  # type: ignore
ChatDeepSeekV4(on_forced_tool="ask")  # type: ignore
ChatDeepSeekV4(disable_streaming="tools")  # type: ignore
DeepSeekV4(on_empty="ignore")  # type: ignore
DeepSeekV4(recover_tool_calls=True)  # type: ignore
Client(on_unsupported="drop")  # type: ignore
client.chat("Hi", reasoning_effort="hgih")  # type: ignore
ChatDeepSeekV4().with_structured_output(Person, method="json")  # type: ignore

# wrong types
ChatDeepSeekV4(temperature="0")  # type: ignore
ChatDeepSeekV4(api_key=5)  # type: ignore
ChatDeepSeekV4(model=5)  # type: ignore
ChatDeepSeekV4("deepseek-v4-pro")  # type: ignore
DeepSeekV4(max_tokens="5")  # type: ignore
DeepSeekV4(system_prompt=5)  # type: ignore
Client(stop=5)  # type: ignore
Client(thinking="on")  # type: ignore
client.chat(5)  # type: ignore
client.chat({"role": "user", "content": "Hi"})  # type: ignore
client.chat([Message.user("Hi")], tools="add")  # type: ignore
client.chat("Hi", response_format="json")  # type: ignore

# misspelt attributes
ChatDeepSeekV4().with_structured_output(Person).invoke("…").nmae  # type: ignore
ChatDeepSeekV4().with_structured_output(Person, include_raw=True).invoke("…")["parsd"]  # type: ignore
ChatDeepSeekV4().with_structured_output(list[Person]).invoke("…")[0].nmae  # type: ignore
ChatDeepSeekV4().with_structured_output(Person, include_raw=True).invoke("…")["parsed"].name  # type: ignore
ChatDeepSeekV4().temprature  # type: ignore
client.chat("Hi").contents  # type: ignore
client.chat("Hi").usage.total_tokens  # type: ignore
client.achat("Hi").content  # type: ignore
