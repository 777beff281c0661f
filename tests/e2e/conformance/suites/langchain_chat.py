"""LangChain's integration suite against a running service; run by the conformance environment."""

import os

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestFinsvc(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {
            "model": "embedded",
            "base_url": f"{os.environ['CONFORMANCE_URL']}/v1",
            "api_key": os.environ["CONFORMANCE_KEY"],
            # LangChain asks others than OpenAI for usage in streams only when it is told to.
            "stream_usage": True,
            "temperature": 0,
            "max_completion_tokens": 64,
            "max_retries": 0,
            "timeout": 120,
        }

    @property
    def supports_json_mode(self) -> bool:
        return True
