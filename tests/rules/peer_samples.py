"""Replicates for the tests: five runs in two streams, sampled from one recipe; nothing here was trained."""

from __future__ import annotations

from repro.comparison.replicates import Peer, read_replicates
from repro.rules import Context

HEADER = "model_id,revision,transformers,pytorch,epoch,step,training_loss,validation_loss"
ROWS = """\
sample/a1,main,4.17.0,1.11.0,1,100,1.9965,1.7266
sample/a1,main,4.17.0,1.11.0,2,200,1.6866,1.4698
sample/a1,main,4.17.0,1.11.0,3,300,1.4997,1.4586
sample/a1,main,4.17.0,1.11.0,4,400,1.3725,1.4040
sample/a1,main,4.17.0,1.11.0,5,500,1.2718,1.2261
sample/a1,main,4.17.0,1.11.0,6,600,1.1859,1.2712
sample/a1,main,4.17.0,1.11.0,7,700,1.1124,1.2740
sample/a1,main,4.17.0,1.11.0,8,800,1.0501,1.1291
sample/a1,main,4.17.0,1.11.0,9,900,1.0024,1.1609
sample/a2,main,4.21.2,1.12.0,1,100,1.9988,1.7366
sample/a2,main,4.21.2,1.12.0,2,200,1.6848,1.4750
sample/a2,main,4.21.2,1.12.0,3,300,1.5006,1.4638
sample/a2,main,4.21.2,1.12.0,4,400,1.3681,1.4024
sample/a2,main,4.21.2,1.12.0,5,500,1.2738,1.2277
sample/a2,main,4.21.2,1.12.0,6,600,1.1853,1.2741
sample/a2,main,4.21.2,1.12.0,7,700,1.1207,1.2729
sample/a2,main,4.21.2,1.12.0,8,800,1.0520,1.1376
sample/a2,main,4.21.2,1.12.0,9,900,0.9959,1.1596
sample/a3,main,4.26.0,1.13.0,1,100,2.0020,1.7369
sample/a3,main,4.26.0,1.13.0,2,200,1.6818,1.4694
sample/a3,main,4.26.0,1.13.0,3,300,1.5021,1.4638
sample/a3,main,4.26.0,1.13.0,4,400,1.3681,1.4048
sample/a3,main,4.26.0,1.13.0,5,500,1.2684,1.2285
sample/a3,main,4.26.0,1.13.0,6,600,1.1835,1.2759
sample/a3,main,4.26.0,1.13.0,7,700,1.1191,1.2736
sample/a3,main,4.26.0,1.13.0,8,800,1.0525,1.1323
sample/a3,main,4.26.0,1.13.0,9,900,1.0017,1.1576
sample/c1,main,4.41.2,2.1.2,1,100,1.9986,1.6631
sample/c1,main,4.41.2,2.1.2,2,200,1.6843,1.5557
sample/c1,main,4.41.2,2.1.2,3,300,1.5008,1.4752
sample/c1,main,4.41.2,2.1.2,4,400,1.3692,1.2876
sample/c1,main,4.41.2,2.1.2,5,500,1.2730,1.2882
sample/c1,main,4.41.2,2.1.2,6,600,1.1821,1.3050
sample/c1,main,4.41.2,2.1.2,7,700,1.1155,1.1736
sample/c1,main,4.41.2,2.1.2,8,800,1.0570,1.2069
sample/c1,main,4.41.2,2.1.2,9,900,1.0019,1.1854
sample/c2,main,4.44.0,2.4.0,1,100,2.0065,1.6569
sample/c2,main,4.44.0,2.4.0,2,200,1.6830,1.5590
sample/c2,main,4.44.0,2.4.0,3,300,1.4950,1.4745
sample/c2,main,4.44.0,2.4.0,4,400,1.3731,1.2966
sample/c2,main,4.44.0,2.4.0,5,500,1.2694,1.2820
sample/c2,main,4.44.0,2.4.0,6,600,1.1918,1.3037
sample/c2,main,4.44.0,2.4.0,7,700,1.1169,1.1750
sample/c2,main,4.44.0,2.4.0,8,800,1.0487,1.1958
sample/c2,main,4.44.0,2.4.0,9,900,0.9966,1.1864
"""


def peers() -> tuple[Peer, ...]:
    """Three runs of stream A and two of stream C, each with nine epochs of a hundred steps."""
    return read_replicates(f"{HEADER}\n{ROWS}", source="peers.csv")


def context() -> Context:
    """A context in which these replicates were given."""
    return Context(peers=peers())
