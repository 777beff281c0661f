"""Causal attention with grouped queries, a sliding window and a learned sink for each head."""

from __future__ import annotations

import math

import torch

from kernels.checks import expect

# Dimensions: T query tokens, N key tokens, H query heads, G kv heads, W head width.


def attention_mask(num_queries: int, num_keys: int, window: int | None) -> torch.Tensor:
    """Return which keys each query sees, [T, N] bool.

    The queries are the last `num_queries` of the `num_keys` positions. With a window, a query at
    position p sees `window` keys including its own: p - window + 1 to p.
    """
    queries_T1 = torch.arange(num_keys - num_queries, num_keys)[:, None]
    keys_N = torch.arange(num_keys)
    seen = keys_N <= queries_T1
    return seen if window is None else seen & (keys_N > queries_T1 - window)


def attention(
    q_THW: torch.Tensor,
    k_NGW: torch.Tensor,
    v_NGW: torch.Tensor,
    sinks_H: torch.Tensor,
    *,
    window: int | None,
) -> torch.Tensor:
    """Return attention output [T, H, W].

    Scores are scaled by W**-0.5; the sink, which is not, joins the softmax as one more column that
    carries no value. Query head h reads kv head h // (H / G). The softmax is in float32.
    Source: openai/gpt-oss gpt_oss/torch/model.py `sdpa`.
    """
    sizes: dict[str, int] = {}
    expect("q", q_THW, "T H W", sizes=sizes)
    expect("k", k_NGW, "N G W", sizes=sizes)
    expect("v", v_NGW, "N G W", sizes=sizes)
    expect("sinks", sinks_H, "H", sizes=sizes)
    group = sizes["H"] // sizes["G"]
    k_NHW = k_NGW.repeat_interleave(group, dim=1)
    v_NHW = v_NGW.repeat_interleave(group, dim=1)
    scores_HTN = torch.einsum("thw,nhw->htn", q_THW, k_NHW).float() / math.sqrt(sizes["W"])
    seen_TN = attention_mask(sizes["T"], sizes["N"], window).to(scores_HTN.device)
    scores_HTN = scores_HTN.masked_fill(~seen_TN, -math.inf)
    sinks_HT1 = sinks_H.float()[:, None, None].expand(-1, sizes["T"], 1)
    weights_HTN = torch.cat([scores_HTN, sinks_HT1], dim=-1).softmax(dim=-1)[..., :-1]
    return torch.einsum("htn,nhw->thw", weights_HTN.to(v_NHW.dtype), v_NHW)
