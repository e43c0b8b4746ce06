"""Other hosts of DeepSeek V4 Flash: their base URLs and what differs in their APIs. Data, no logic.

Each entry is based on the host's documentation, and on models.dev
(github.com/anomalyco/models.dev, snapshot of 2026-07-02) for key variables and effort values. Only doubleword and
huggingface were checked against recorded traffic; the others were never called. Hosts without evidence of V4
Flash (Volcengine Ark, AWS Bedrock) or without a documented URL (Ollama cloud, …) are not listed:
``openai_compatible`` describes them in a few lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.openai_compatible import SAMPLING_FIELDS, openai_compatible

__all__ = ["HOSTS"]

_HIGH_MAX = {"minimal": "high", "low": "high", "medium": "high", "high": "high", "xhigh": "max", "max": "max"}
"""Hosts that kept DeepSeek's effort values of April 2026: low and medium mean high, xhigh means max."""
_HIGH_XHIGH = {"minimal": "high", "low": "high", "medium": "high", "high": "high", "xhigh": "xhigh", "max": "xhigh"}
"""Hosts whose highest effort is xhigh."""
_LOW_TO_XHIGH = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "xhigh"}
_LOW_HIGH_MAX = {"minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "high", "max": "max"}
"""Hosts with the current effort values of DeepSeek's API."""
_NO_EFFORT = {"reasoning_effort": "none"}
_ON = {"enable_thinking": True}
_OFF = {"enable_thinking": False}


def _alibaba(name: str, base_url: str) -> Provider:
    """https://www.alibabacloud.com/help/en/model-studio/deep-thinking. ``reasoning_effort`` is high or max for V4."""
    return openai_compatible(
        name,
        base_url,
        key_variable="DASHSCOPE_API_KEY",
        thinking_on=_ON,
        thinking_off=_OFF,
        efforts=_HIGH_MAX,
        fields={"max_tokens": OptionSpec("max_tokens", 1, 384_000, clamp=True)},
    )


def _siliconflow(name: str, base_url: str, key_variable: str) -> Provider:
    """https://docs.siliconflow.cn chat-completions. ``max_tokens`` does not count the reasoning."""
    return openai_compatible(
        name,
        base_url,
        key_variable=key_variable,
        default_model="deepseek-ai/DeepSeek-V4-Flash",
        thinking_on=_ON,
        thinking_off=_OFF,
        efforts=_HIGH_MAX,
        budget=OptionSpec("thinking_budget", 128, 32_768),
    )


_ALL: tuple[Provider, ...] = (
    _alibaba("alibaba", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    _alibaba("alibaba-cn", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
    _alibaba("alibaba-us", "https://dashscope-us.aliyuncs.com/compatible-mode/v1"),
    openai_compatible(
        "azure",
        "",
        key_variable="AZURE_API_KEY",
        default_model="DeepSeek-V4-Flash",
        address_form="https://<resource>.services.ai.azure.com/openai/v1",
        # responses in SGLang's format; no thinking switch is documented, and the AI SDK sends none. JSON mode while
        # thinking puts the JSON into the reasoning, so schemas are sent as json_schema.
        json_schema=True,
        finish_reason_always=True,
    ),
    openai_compatible(
        "nvidia",
        "https://integrate.api.nvidia.com/v1",
        key_variable="NVIDIA_API_KEY",
        default_model="deepseek-ai/deepseek-v4-flash",
        # build.nvidia.com's sample reads either field; vLLM underneath, so both are sent
        reasoning_request_fields=("reasoning", "reasoning_content"),
        thinking_on={"chat_template_kwargs": {"thinking": True}},
        thinking_off={"chat_template_kwargs": {"thinking": False}},
        always_sends_thinking=True,
        efforts=_HIGH_MAX,
        effort_field="chat_template_kwargs.reasoning_effort",
        fields={"max_tokens": OptionSpec("max_tokens", 1, 393_216, clamp=True), **SAMPLING_FIELDS},
    ),
    openai_compatible(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        key_variable="DEEPINFRA_API_KEY",
        default_model="deepseek-ai/DeepSeek-V4-Flash",
        # https://docs.deepinfra.com/chat/reasoning: none, low, medium, high, xhigh
        thinking_on={"reasoning": {"enabled": True}},
        thinking_off=_NO_EFFORT,
        effort_switches_on=True,
        efforts=_LOW_TO_XHIGH,
        fields={"max_tokens": OptionSpec("max_tokens", 1, 16_384, clamp=True), **SAMPLING_FIELDS},
    ),
    openai_compatible(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        key_variable="FIREWORKS_API_KEY",
        default_model="accounts/fireworks/models/deepseek-v4-flash",
        # https://docs.fireworks.ai/guides/reasoning; thinking and reasoning_effort conflict
        thinking_on={"thinking": {"type": "enabled"}},
        thinking_off=_NO_EFFORT,
        effort_switches_on=True,
        efforts={"minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "xhigh", "max": "xhigh"},
        unsupported={"thinking_budget": "set {'thinking': {'type': 'enabled', 'budget_tokens': …}} in extra_body"},
        fields={"max_tokens": OptionSpec("max_tokens", 1, 384_000, clamp=True), **SAMPLING_FIELDS},
    ),
    openai_compatible(
        "together",
        "https://api.together.ai/v1",
        key_variable="TOGETHER_API_KEY",
        default_model="deepseek-ai/DeepSeek-V4.1-Flash",
        # https://docs.together.ai/docs/deepseek-v4-quickstart (V4 Pro)
        reasoning_response_fields=("reasoning", "reasoning_content"),
        reasoning_request_fields=("reasoning",),
        thinking_on={"reasoning": {"enabled": True}},
        thinking_off={"reasoning": {"enabled": False}},
        efforts=_HIGH_MAX,
        fields=SAMPLING_FIELDS,
    ),
    _siliconflow("siliconflow", "https://api.siliconflow.com/v1", "SILICONFLOW_API_KEY"),
    _siliconflow("siliconflow-cn", "https://api.siliconflow.cn/v1", "SILICONFLOW_CN_API_KEY"),
    openai_compatible(
        "novita",
        "https://api.novita.ai/openai",
        key_variable="NOVITA_API_KEY",
        default_model="deepseek/deepseek-v4-flash",
        # the catalogue lists a thinking switch, but its field for V4 is not documented
        efforts={
            "minimal": "minimal",
            **{effort: effort for effort in ("low", "medium", "high", "xhigh")},
            "max": "xhigh",
        },
        fields={"max_tokens": OptionSpec("max_tokens", 1, 393_216, clamp=True), **SAMPLING_FIELDS},
    ),
    openai_compatible(
        "baseten",
        "https://inference.baseten.co/v1",
        key_variable="BASETEN_API_KEY",
        default_model="deepseek-ai/DeepSeek-V4-Flash-0731",
        # https://docs.baseten.co/inference/model-apis/reasoning; may count more reasoning than completion tokens
        thinking_off=_NO_EFFORT,
        efforts={effort: effort for effort in ("minimal", "low", "medium", "high", "xhigh", "max")},
        fields={"max_tokens": OptionSpec("max_tokens", 1, 1_048_576, clamp=True)},
    ),
    openai_compatible(
        "tencent",
        "https://tokenhub-intl.tencentcloudmaas.com/v1",
        key_variable="TENCENT_TOKENHUB_API_KEY",
        # documents 1300/80633 and 1300/80637. They recommend to send past content only, against DeepSeek's own rule
        thinking_on={"thinking": {"type": "enabled"}},
        thinking_off={"thinking": {"type": "disabled"}},
        efforts={"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"},
        fields={"max_tokens": OptionSpec("max_tokens", 1, 384_000, clamp=True)},
    ),
    openai_compatible(
        "huggingface",
        "https://router.huggingface.co/v1",
        key_variable="HF_TOKEN",
        default_model="deepseek-ai/DeepSeek-V4-Flash",
        # fields and switches depend on the upstream host; recordings have <think> in the text
        thinking_off=_NO_EFFORT,
        efforts={
            "minimal": "minimal",
            **{effort: effort for effort in ("low", "medium", "high", "xhigh")},
            "max": "xhigh",
        },
        think_tags=True,
    ),
    openai_compatible(
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        key_variable="AI_GATEWAY_API_KEY",
        default_model="deepseek/deepseek-v4-flash",
        # OpenRouter-like: reasoning and reasoning_details
        reasoning_response_fields=("reasoning", "reasoning_content"),
        reasoning_request_fields=("reasoning",),
        sends_details=True,
        thinking_on={"reasoning": {"enabled": True}},
        thinking_off={"reasoning": {"enabled": False}},
        efforts=_HIGH_XHIGH,
        effort_field="reasoning.effort",
    ),
    openai_compatible(
        "opencode",
        "https://opencode.ai/zen/v1",
        key_variable="OPENCODE_API_KEY",
        efforts=_LOW_HIGH_MAX,  # no thinking switch is documented; a forced tool is rejected while thinking
        fields={"max_tokens": OptionSpec("max_tokens", 1, 384_000, clamp=True)},
    ),
    openai_compatible(
        "nanogpt",
        "https://nano-gpt.com/api/v1",
        key_variable="NANO_GPT_API_KEY",
        default_model="deepseek/deepseek-v4-flash",
        # /api/v1 sends reasoning, /api/v1legacy reasoning_content, /api/v1thinking puts it into the text
        reasoning_response_fields=("reasoning", "reasoning_content"),
        reasoning_request_fields=("reasoning", "reasoning_content"),
        thinking_off=_NO_EFFORT,
        efforts=_HIGH_XHIGH,
        think_tags=True,
        fields={"max_tokens": OptionSpec("max_tokens", 1, 384_000, clamp=True)},
    ),
    openai_compatible(
        "doubleword",
        "https://api.doubleword.ai/v1",
        key_variable="DOUBLEWORD_API_KEY",
        # recordings of 2026-08: both reasoning_content and reasoning_details; no thinking switch was seen
        sends_details=True,
    ),
)

HOSTS: Mapping[str, Provider] = MappingProxyType({host.name: host for host in _ALL})
"""Name -> provider."""
