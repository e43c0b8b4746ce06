"""What LangChain asks before it uses a model: its limits and abilities, as the catalog and the provider have them."""

from __future__ import annotations

from langchain_core.language_models import ModelProfile

from deepseek_v4.catalog import ModelFacts

__all__ = ["profile_of"]


def profile_of(facts: ModelFacts, *, supports_tools: bool) -> ModelProfile:
    """The profile of a model at a provider, over one protocol.

    ``structured_output`` is True everywhere: ``response_format`` takes a schema at every provider, in words where it
    has no JSON Schema of its own. So ``create_agent`` takes the provider strategy, under which the model goes on
    thinking; the tool strategy forces a tool call at every step, for which DeepSeek's thinking must be switched off.
    """
    tools = facts.tools and supports_tools
    profile = ModelProfile(
        name=facts.id,
        max_input_tokens=facts.context_window,
        max_output_tokens=facts.max_output_tokens,
        text_inputs=True,
        image_inputs=facts.images,
        image_url_inputs=facts.images,
        image_tool_message=facts.images,  # they are moved into a user's message
        audio_inputs=False,
        video_inputs=False,
        text_outputs=True,
        image_outputs=False,
        audio_outputs=False,
        video_outputs=False,
        reasoning_output=True,
        reasoning_effort_levels=list(facts.efforts),
        tool_calling=tools,
        tool_choice=tools,
        tool_call_streaming=tools,
        structured_output=True,
        mid_conversation_system_messages=True,
        temperature=True,
    )
    if facts.default_effort is not None:
        profile["reasoning_effort_default"] = facts.default_effort
    if facts.released is not None:
        profile["release_date"] = facts.released.isoformat()
    return profile
