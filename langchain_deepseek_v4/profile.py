"""The profile that LangChain reads before it uses a model: limits and capabilities, from catalog and provider."""

from __future__ import annotations

from langchain_core.language_models import ModelProfile

from deepseek_v4.catalog import ModelFacts


def profile_of(facts: ModelFacts, *, supports_tools: bool, supports_documents: bool) -> ModelProfile:
    """Return the profile of a model at a provider, with one protocol.

    ``structured_output`` is always True: ``response_format`` accepts a schema for every provider, and the schema goes
    into the prompt if the provider does not support JSON Schema. So ``create_agent`` chooses the provider strategy, in
    which the model keeps thinking; the tool strategy forces a tool call in every step, for which DeepSeek's thinking
    must be switched off.
    """
    tools = facts.tools and supports_tools
    profile = ModelProfile(
        name=facts.id,
        text_inputs=True,
        image_inputs=facts.images,
        image_url_inputs=facts.images,
        image_tool_message=facts.images,  # they are moved into a user message
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
    if not supports_documents:  # else unknown: not every server reads PDFs
        profile["pdf_inputs"] = profile["pdf_tool_message"] = False
    if facts.context_window is not None:
        profile["max_input_tokens"] = facts.context_window
    if facts.max_output_tokens is not None:
        profile["max_output_tokens"] = facts.max_output_tokens
    if facts.default_effort is not None:
        profile["reasoning_effort_default"] = facts.default_effort
    if facts.released is not None:
        profile["release_date"] = facts.released.isoformat()
    return profile
