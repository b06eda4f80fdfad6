"""The reader as it is trained: a six-layer BERT, a span head and an answerability head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

MASKED = -1e4  # a logit that no softmax notices, and that bfloat16 can hold


class NetworkOutput(NamedTuple):
    """Logits of one batch; position 0 of `start` and `end` is [CLS], the empty span."""

    start: Tensor  # (batch, tokens) float32, MASKED outside the passage
    end: Tensor  # (batch, tokens) float32, MASKED outside the passage
    answerable: Tensor  # (batch,) float32


class ReaderNetwork(nn.Module):
    """Read `[CLS] question [SEP] title. passage [SEP]` and point at the answer."""

    def __init__(self, bert: Mapping[str, Any]) -> None:
        super().__init__()
        config = BertConfig(**bert)
        config._attn_implementation = "sdpa"
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.span = nn.Linear(config.hidden_size, 2)
        self.pool = nn.Linear(config.hidden_size, config.hidden_size)
        self.answerable = nn.Linear(config.hidden_size, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, readable: Tensor) -> NetworkOutput:
        """Return logits for a padded batch.

        All four are (batch, tokens): token ids, 0 for the question and 1 for the passage,
        1 for tokens that are no padding, and True where an answer may start or end
        (passage tokens, and [CLS] for "no answer").
        """
        hidden = self.encoder(
            input_ids=ids, token_type_ids=types, attention_mask=mask
        ).last_hidden_state
        hidden = self.dropout(hidden)
        logits = self.span(hidden).float().masked_fill(~readable[..., None], MASKED)
        pooled = torch.tanh(self.pool(hidden[:, 0]))
        answerable = self.answerable(pooled).float().squeeze(-1)
        return NetworkOutput(logits[..., 0], logits[..., 1], answerable)
