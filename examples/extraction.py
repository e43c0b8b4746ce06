"""Typed answers from documents, several at a time; an invalid answer is retried, with the error in the request."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from connection import deepseek_or_local
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, Field

from deepseek_v4.testing import Turn
from langchain_deepseek_v4 import ChatDeepSeekV4


class Invoice(BaseModel):
    """The data of an invoice."""

    number: str = Field(pattern=r"^[A-Z]-\d+$")
    due: dt.date
    total: float = Field(ge=0, description="In euros")
    state: Literal["open", "paid"]


DOCUMENTS = [
    "Invoice A-17 of 3 May 2026: two chairs, 420 euros, to be paid by 2 June 2026.",
    "Received with thanks for B-18 (due 9 June 2026): 80 euros.",
]


def main() -> None:
    """Read the documents one after the other and print the tokens used."""
    turns = [
        Turn('{"number": "17", "due": "2026-06-02", "total": 420, "state": "open"}', reasoning="The number is 17."),
        Turn('{"number": "A-17", "due": "2026-06-02", "total": 420, "state": "open"}', reasoning="With its letter."),
        Turn('{"number": "B-18", "due": "2026-06-09", "total": 80, "state": "paid"}', reasoning="It was received."),
    ]
    prompt = ChatPromptTemplate.from_messages([("system", "You read invoices."), ("user", "{document}")])
    with deepseek_or_local(*turns) as options, ChatDeepSeekV4(**options) as model:
        chain = prompt | model.with_structured_output(Invoice, include_raw=True)
        for document in DOCUMENTS:
            result = chain.invoke({"document": document})
            print(result["parsed"])
            raw = result["raw"]
            details = "; ".join(attempt["detail"] for attempt in raw.response_metadata.get("attempts", ()))
            print(f"  {raw.usage_metadata['total_tokens']} tokens" + (f"; first attempt: {details}" if details else ""))


if __name__ == "__main__":
    main()
