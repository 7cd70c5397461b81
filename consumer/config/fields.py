"""
What kinds of settings there are: a type of Python, with the form in which its text is read.

    text of the environment, value of the file -> BeforeValidator -> type -> AfterValidator

`NoDecode` keeps pydantic from reading a variable as JSON, so that a list may
be written with commas.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from consumer.config import parsers as forms
from consumer.mapping.rules import BirthdateOrder

TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(forms.text_list)]
MaybeTextList = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(forms.maybe_text_list)]
MaybePath = Annotated[Path | None, BeforeValidator(forms.absent_when_empty)]
EventNames = Annotated[
    dict[str, str], NoDecode, BeforeValidator(forms.json_object), AfterValidator(forms.event_names)
]
MaybeOrder = Annotated[BirthdateOrder | None, BeforeValidator(forms.absent_when_empty)]
# In a file of TOML everybody writes `user_consent_category = 3`.
Category = Annotated[str, BeforeValidator(forms.text_of_number), AfterValidator(forms.category)]
Digits = Annotated[str, AfterValidator(forms.digits)]
GraphVersion = Annotated[str, AfterValidator(forms.graph_version)]
PartnerAgent = Annotated[str, AfterValidator(forms.partner_agent)]
Country = Annotated[str, AfterValidator(forms.country)]
ActionSource = Annotated[str, AfterValidator(forms.action_source)]
Address = Annotated[str, AfterValidator(forms.address)]
MaybeAddress = Annotated[str, AfterValidator(forms.maybe_address)]
GroupInstance = Annotated[str, AfterValidator(forms.group_instance)]
Brokers = Annotated[str, AfterValidator(forms.brokers)]
TopicName = Annotated[str, AfterValidator(forms.topic_name)]
GraphUrl = Annotated[str, AfterValidator(forms.graph_url)]
Proxy = Annotated[str, AfterValidator(forms.proxy), Field(repr=False)]
AnyMap = Annotated[dict[str, Any], NoDecode, BeforeValidator(forms.json_object)]
UserDataKeys = Annotated[TextList, AfterValidator(forms.user_data_keys)]
TopicNames = Annotated[TextList, AfterValidator(forms.topic_names)]
Paths = Annotated[AnyMap, AfterValidator(forms.paths)]
KafkaProperties = Annotated[AnyMap, AfterValidator(forms.kafka_properties)]
ProcessingCountry = Annotated[
    int | None, BeforeValidator(forms.absent_when_empty), AfterValidator(forms.processing_country)
]
ProcessingState = Annotated[
    int | None, BeforeValidator(forms.absent_when_empty), AfterValidator(forms.processing_state)
]
