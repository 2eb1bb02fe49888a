"""How exactly cards of other generators are read: `python benchmarks/read_generated.py FOLDER`.

The folder holds wheels of TRL, sentence-transformers, SetFit, SpanMarker, AutoTrain, PEFT, and of
huggingface_hub and transformers for their Keras cards, any number of releases of each; at least one of
transformers, whose tables the others print. For example:

    pip download --no-deps --ignore-requires-python --dest FOLDER trl==0.24.0
    pip download --no-deps --ignore-requires-python --dest FOLDER sentence-transformers==5.4.1
    pip download --no-deps --ignore-requires-python --dest FOLDER setfit==1.1.3
    pip download --no-deps --ignore-requires-python --dest FOLDER span_marker==1.8.1
    pip download --no-deps --ignore-requires-python --dest FOLDER autotrain-advanced==0.8.36
    pip download --no-deps --ignore-requires-python --dest FOLDER peft==0.17.1
    pip download --no-deps --ignore-requires-python --dest FOLDER huggingface_hub==0.7.0
    pip download --no-deps --ignore-requires-python --dest FOLDER transformers==4.57.6

Each release prints cards with its own code and templates, for random trainings; whatever else that code
imports is replaced by stubs, so that neither PyTorch nor the packages themselves need be installed. All that
was printed must come back exactly: kind, metadata, hyperparameters, versions, headline and training log, each
with its text, value and line.
"""

from __future__ import annotations

import argparse
import collections.abc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import random
import re
import sys
import tempfile
import types
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import huggingface_hub.hf_file_system  # what is imported here is never replaced by a stub
import jinja2  # noqa: F401
import yaml
from read_cards import meaning

from repro.cards import read_card
from repro.records.card import Card
from repro.records.claims import Claim

KEPT = {name.partition(".")[0] for name in sys.modules} | sys.stdlib_module_names
PACKAGES = {
    "sentence_transformers": "sentence-transformers",
    "span_marker": "span-marker",
}
VERSIONS = ("2.8.0.dev20250319+cu128", "1.13.0+cu117", "4.57.1", "0.21.4", "3.10.12", "2.7.1.dev0")
BASES = ("bert-base-uncased", "microsoft/mpnet-base", "Qwen/Qwen2.5-0.5B-Instruct", "user/model_v1.0")
IMPORTED = ("torch", "transformers", "accelerate", "datasets", "tokenizers")
DATASETS = ("imdb", "stanfordnlp/snli", "sentence-transformers/all-nli", "user/my_data.v2")
LICENSES = ("mit", "apache-2.0", "cc-by-nc-4.0")
EMPTY: Mapping[str, dict[str, Any]] = MappingProxyType({})
Space = types.SimpleNamespace
_KERAS = Space(mixed_precision=Space(global_policy=lambda: Space(name="float32")))
KERAS = {"tf_keras": vars(_KERAS), "tensorflow": {"keras": _KERAS}}


@dataclass
class Printed:
    """A card, and what its generator was told to print."""

    text: str
    kind: str
    hyperparameters: dict[str, object] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    evaluation: list[tuple[str, str]] = field(default_factory=list)
    log: list[list[str]] = field(default_factory=list)  # the header first
    base_model: str | None = None
    license: str | None = None
    datasets: list[str] = field(default_factory=list)


class _Anything(type):
    def __getattr__(cls, name: str) -> Any:
        return Path() if name == "__file__" else stub(name)

    def __or__(cls, _: object) -> Any:  # in annotations
        return cls

    __ror__ = __or__

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def keys(cls) -> tuple[str, ...]:
        """Return no keys: it may stand for a dict."""
        return ()


class Stub(metaclass=_Anything):
    """Stands for whatever a module imports: a class, a function, a decorator, a value."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub()

    def __call__(self, *given: Any, **_: Any) -> Any:  # noqa: D102
        return given[0] if given and callable(given[0]) else Stub()

    def __class_getitem__(cls, _: object) -> Any:
        return cls


def stub(name: str) -> Any:
    """Return a class of its own, so that several may be bases of one class."""
    if name.startswith("__"):
        raise AttributeError(name)
    return _Anything(name, (Stub,), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of an unpacked wheel that print its cards; any other module is a stub."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.given: Mapping[str, dict[str, Any]] = EMPTY
        self.made: list[str] = []

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:  # noqa: D102
        if name.partition(".")[0] in KEPT:
            return None
        self.made.append(name)
        if name in self.files:
            return importlib.util.spec_from_file_location(name, self.files[name])
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def exec_module(self, module: types.ModuleType) -> None:  # noqa: D102
        module.__getattr__ = stub  # type: ignore[method-assign]
        module.__dict__.update(self.given.get(module.__name__, {}))

    def load(self, files: dict[str, Path], given: Mapping[str, dict[str, Any]] = EMPTY) -> list[Any]:
        """Import modules from their files; `given` is what stubs of some modules must hold."""
        for name in self.made:
            sys.modules.pop(name, None)
        self.files, self.given, self.made = files, given, []
        return [importlib.import_module(name) for name in files]


FINDER = Finder()


class Generators:
    """Prints cards with the code of one release; its methods return what prints another card at each call."""

    def __init__(self, rng: random.Random, home: Path, tables: Path, scratch: Path) -> None:
        self.rng = rng
        self.home = home
        self.release = home.name.split("-")[1]
        self.tables = load_tables(tables)
        self.scratch = scratch

    def some(self, *choices: Any) -> Any:
        """Return one of these."""
        return self.rng.choice(choices)

    def number(self) -> float:
        """Return a measured number."""
        number: float = self.some(round(self.rng.random(), 4), 3e-05, 0.5, 1.0, 0.0, self.rng.random() * 90)
        return number

    def better(self) -> str:
        """Return a number and how much better that is, as the evaluators of a CrossEncoder measure it."""
        return f"{self.rng.random():.4f} ({self.rng.random() - 0.5:+.4f})"

    def versions(self, *names: str) -> dict[str, str]:
        """Return versions of packages, which their stubs then give too."""
        found: dict[str, str] = {name: self.some(*VERSIONS) for name in names}
        for name, version in found.items():
            vars(importlib.import_module(name))["__version__"] = version
        return found

    def cell(self, value: object) -> str:
        """Return a value as the tables print it."""
        return str(self.tables._maybe_round(value))

    def table(self, lines: list[dict[str, Any]]) -> list[list[str]]:
        """Return the cells of a table that is printed as it is."""
        return (
            [[*lines[0]], *([self.cell(value) for value in line.values()] for line in lines)] if lines else []
        )

    def lines(self, columns: Mapping[str, Callable[[], object]], gaps: bool = True) -> list[dict[str, Any]]:
        """Return a training log as callbacks collect it."""
        found: list[dict[str, Any]] = []
        for i in range(1, 1 + self.some(0, 1, 3, 12, 101)):
            line: dict[str, Any] = {"Epoch": i * self.some(0.0625, 1 / 3, 1.0), "Step": 100 * i}
            for name, measure in columns.items():
                if self.rng.random() < 0.7:
                    line[name] = measure()
                elif not gaps:
                    line[name] = "-"
            found.append(line)
        return found

    def carbon(self) -> Any:
        """Return a callback that measured emissions, or none."""
        names = ("emissions", "energy_consumed", "ram_total_size", "duration")
        data = Space(**dict.fromkeys(names, 3.5), on_cloud="N", gpu_model="A100", cpu_model="x")
        return self.some(None, Space(tracker=Space(_start_time=1, _prepare_emissions_data=lambda: data)))

    def load_cards(self, package: str) -> list[Any]:
        """Load the modules that print cards with transformers' tables; they are not to ask the Hub."""
        paths = sorted(self.home.glob(f"{package}/**/model_card.py"))
        given: dict[str, dict[str, Any]] = {
            "sentence_transformers": {"__version__": "3.3.1"},
            "sentence_transformers.util": {
                "fullname": lambda it: f"sentence_transformers.{type(it).__name__}"
            },
            "transformers.modelcard": {"make_markdown_table": self.tables.make_markdown_table},
        }
        given[package] = {"__version__": self.release}
        files = {".".join(path.relative_to(self.home).with_suffix("").parts): path for path in paths}
        modules = FINDER.load(files, given)
        for module in modules:
            module.get_model_info, module.is_on_huggingface = None, lambda *_, **__: True
            module.dataset_info = module.get_dataset_info = lambda name: Space(cardData=None, id=name)
        self.versions(*IMPORTED)
        return modules

    def printed(self, data: Any, text: str, kind: str, **what: Any) -> Printed:
        """Return a card with what its data tell."""
        self.versions(*IMPORTED)  # of the next one
        return Printed(text, kind, versions=data.version, license=data.license, **what)

    # One method for each package.

    def trl(self) -> Callable[[], Printed]:
        """Return TRL's: the template since 0.12, before it those of its own trainers."""
        folder = self.home / "trl/trainer"
        old = [path for path in folder.glob("*.py") if "MODEL_CARD_TEMPLATE = " in path.read_text()]
        modules = FINDER.load({f"trl.trainer.{path.stem}": path for path in old or [folder / "utils.py"]})
        if old:
            told = {"model_name": "TRL Model", "model_id": "user/model"}
            templates = [module.MODEL_CARD_TEMPLATE.format(**told) for module in modules]
            return lambda: Printed(self.some(*templates), "trl", license="apache-2.0")
        (utils,) = modules
        utils.pkg_resources = Space(files=lambda _: folder.parent)
        files = [path.name for path in self.home.glob("trl/templates/?m_model_card.md")]

        def print_one() -> Printed:
            versions = self.versions("trl", "transformers", "torch", "datasets", "tokenizers")
            utils.version = versions.get
            base, data = self.some(None, *BASES), self.some(None, *DATASETS)
            link = "https://example.org/runs/1"
            told = {
                "base_model": base, "model_name": "out", "hub_model_id": "user/out", "dataset_name": data,
                "tags": ["trl", self.some("sft", "grpo", "dpo")], "wandb_url": self.some(None, link),
                "comet_url": self.some(None, link), "trackio_url": self.some(None, link),
                "trainer_citation": self.some(None, "@article{x,\n    a = {{B: C}},\n}"), "trainer_name": "x",
                "template_file": self.some(*files), "paper_id": self.some(None, "2402.1"), "paper_title": "A",
            }  # fmt: skip
            text = str(call(utils.generate_model_card, told))
            return Printed(text, "trl", versions=versions, base_model=base, datasets=[data] if data else [])

        return print_one

    def sentence_transformers(self) -> Callable[[], Printed]:
        """Return those of sentence-transformers for all its classes of models."""
        modules = self.load_cards("sentence_transformers")
        generators = {it: it.generate_model_card for it in modules if hasattr(it, "generate_model_card")}
        classes = [
            (value, generators.get(module) or next(iter(generators.values())))
            for module in modules
            for name, value in vars(module).items()
            if name.endswith("ModelCardData") and value.__module__ == module.__name__ and "Base" not in name
        ]
        by_name = self.release == "3.0.1"  # which sorts columns so, and losses not at all

        def print_one() -> Printed:
            made, generate = self.some(*classes)
            data = made(license=self.some(None, *LICENSES), language=self.some([], ["en"], "en"))
            data.train_datasets = data.validate_datasets(self.data())
            data.eval_datasets = data.validate_datasets(self.data())
            data.first_save = data.generate_widget_examples = False
            data.base_model = self.some(None, *BASES)
            data.base_model_revision = self.some(None, "0123abc")
            data.all_hyperparameters = used = self.arguments()
            data.non_default_hyperparameters = {name: used[name] for name in self.rng.sample(sorted(used), 5)}
            data.code_carbon_callback = self.carbon()
            data._training_start_time, data.evaluation_duration = self.some(None, 1.0), self.some(0, 99.5)
            data.citations = {"Sentence Transformers": "@x{y,\n    title = {A: B},\n}"}
            data.model = Model()
            names = self.rng.sample(["sts-dev", "nano_msmarco", "test", ""], self.rng.randrange(3))
            data.eval_results_dict = dict(
                self.evaluator(name, "CrossEncoder" in made.__name__) for name in names
            )
            columns: dict[str, Callable[[], object]] = {
                "Training Loss": self.number,
                "Validation Loss" if by_name else self.some("Validation Loss", "all-nli loss"): self.number,
            }
            for evaluator in data.eval_results_dict:
                columns[evaluator.primary_metric] = self.better if evaluator.compares else self.number
            data.training_logs = self.lines(columns)
            data.best_model_step = self.some(None, 100, 300)
            text = generate(Space(model_card_data=data))
            return self.printed(
                data,
                text,
                "sentence-transformers",
                hyperparameters=used,
                evaluation=self.measured(data.eval_results_dict, "\n* Datasets: " in text),
                log=self.log(data.training_logs, data.best_model_step, by_name),
                base_model=data.base_model,
                datasets=data.datasets,
            )

        return print_one

    def arguments(self) -> dict[str, object]:
        """Return training arguments of all sorts of values."""
        some = self.some
        known: dict[str, object] = {
            "eval_strategy": "steps", "prediction_loss_only": True, "per_gpu_train_batch_size": None,
            "per_device_train_batch_size": some(8, 128), "learning_rate": some(5e-05, 2e-5, 1 / 3e4, 0.001),
            "weight_decay": some(0.0, 0.01), "num_train_epochs": some(3, 1.0, 0.5), "max_steps": -1,
            "lr_scheduler_type": some("linear", "cosine_with_restarts"), "adam_epsilon": 1e-08,
            "lr_scheduler_kwargs": some({}, {"num_cycles": 2}, None), "warmup_ratio": some(0.0, 0.1),
            "warmup_steps": some(0, 100, 0.1), "log_level": "passive", "seed": some(42, 12),
            "bf16": some(True, False), "fsdp": [], "fsdp_config": {"min_num_params": 0, "xla": False},
            "accelerator_config": {"split_batches": False, "dispatch_batches": None}, "mp_parameters": "",
            "optim_args": some(None, "amsgrad=True,weight_decay=0.1"), "ddp_find_unused_parameters": None,
            "resume_from_checkpoint": some(None, "out/checkpoint-500"), "batch_sampler": "no_duplicates",
            "prompts": some(None, {"query": "query: ", "answer": "document: "}, "search_query: "),
            "router_mapping": some({}, {"query": "query"}), "include_for_metrics": [],
        }  # fmt: skip
        return {name: known[name] for name in known if self.rng.random() < 0.9}

    def data(self) -> list[dict[str, Any]]:
        """Return data sets with their statistics and samples, as cards print them."""
        details = {"": "details", "anchor": "<ul><li>mean: 9.57 tokens</li></ul>", "score": "<ul></ul>"}
        samples = [
            {"anchor": f"<code>F1: 0.5 \\| {text}</code>", "score": "<code>1.0</code>"} for text in "ab"
        ]
        tables = {
            name: re.sub("(?m)^", "  ", self.tables.make_markdown_table(lines).replace("-:|", "--|"))
            for name, lines in (
                ("stats_table", [{"": "type", "anchor": "string", "score": "float"}, details]),
                ("examples_table", samples),
            )
        }
        config = '  ```json\n  {\n      "scale": 20.0\n  }\n  ```'
        loss = {"fullname": "sentence_transformers.losses.CoSENTLoss", "config_code": config}
        return [
            {
                "name": name.split("/")[-1],
                "size": self.some(3, 557850),
                "loss": loss,
                "revision": "0123456789",
            }
            | {
                "columns": ["<code>anchor</code>", "<code>score</code>"],
                **tables,
                **self.some({}, {"id": name}),
            }
            for name in self.rng.sample(DATASETS, self.some(0, 1, 2, 4))
        ]

    def evaluator(self, name: str, reranking: bool) -> tuple[Any, dict[str, object]]:
        """Return an evaluator and what it measured."""
        title, *names = self.some(
            ("Semantic Similarity", "pearson_cosine", "spearman_cosine"),
            ("Information Retrieval", "cosine_accuracy@1", "cosine_ndcg@10", "cosine_map@100"),
            ("Cross Encoder Reranking", "map", "mrr@10", "ndcg@10"),
            ("Sparse Nano BEIR", "dot_ndcg@10", "query_active_dims", "corpus_sparsity_ratio"),
        )
        start = f"{name}_" if name else ""
        compares = reranking and title.startswith("Cross")
        evaluator = Evaluator(name, title, start + names[-1], self.some({}, {"at_k": 10}), compares)
        return evaluator, {start + metric: self.better() if compares else self.number() for metric in names}

    def measured(self, results: dict[Any, dict[str, Any]], shared: bool) -> list[tuple[str, str]]:
        """Return the cells of the tables of metrics, or of the one table that two alike evaluators share."""
        found = []
        for evaluator, metrics in results.items():
            for name, value in metrics.items():
                text = str(round(value, 4)) if isinstance(value, float) else str(value)
                short = name.removeprefix(f"{evaluator.name}_")
                text = f"**{text}**" if name == evaluator.primary_metric else text
                found.append((f"{evaluator.name}_{short}" if shared else short, text))
        return found

    def log(self, lines: list[dict[str, Any]], best: int | None, by_name: bool) -> list[list[str]]:
        """Return the cells of a training log of sentence-transformers."""
        seen = list(dict.fromkeys(key for line in lines for key in line))
        if by_name:
            seen.sort()
        first = [
            "Epoch",
            "Step",
            "Training Loss",
            *(key for key in seen if key[-4:] == "loss"),
            "Validation Loss",
        ]
        header = [key for key in first if key in seen] + [key for key in seen if key not in first]
        rows = [[line.get(key, "-") for key in header] for line in lines]
        return [header] * bool(rows) + [
            [
                f"**{round(v, 4) if isinstance(v, float) else v}**" if row[1] == best else self.cell(v)
                for v in row
            ]
            for row in rows
        ]

    def setfit(self) -> Callable[[], Printed]:
        """Return SetFit's; up to 0.7 a text with a name."""
        if not (self.home / "setfit/model_card.py").exists():
            (modeling,) = FINDER.load({"setfit.modeling": self.home / "setfit/modeling.py"})
            text = modeling.MODEL_CARD_TEMPLATE.format(model_name="user/x")
            return lambda: Printed(text, "setfit", license="apache-2.0")
        (module,) = self.load_cards("setfit")

        def print_one() -> Printed:
            base, license_, found = (
                self.some(None, *BASES),
                self.some(None, *LICENSES),
                self.some(None, *DATASETS),
            )
            data = module.SetFitModelCardData(
                license=license_, dataset_id=found, st_id=base, model_name="SetFit"
            )
            data.model, data.code_carbon_callback, data.head_class = (
                Model(),
                self.carbon(),
                "LogisticRegression",
            )
            data.hyperparameters = {
                "batch_size": self.some((16, 2), (32, 32)), "num_epochs": (1, 16), "max_steps": -1,
                "sampling_strategy": "oversampling", "body_learning_rate": (2e-05, 1e-05),
                "head_learning_rate": 0.01, "loss": "CosineSimilarityLoss", "margin": 0.25,
                "end_to_end": self.some(True, False), "warmup_proportion": 0.1, "seed": 42,
            }  # fmt: skip
            data.label_example_list = [{"Label": "good", "Examples": "<ul><li>'a: 0.5'</li></ul>"}]
            data.train_set_metrics_list = [{"Training set": "Word count", "Min": 2, "Median": 9.5, "Max": 60}]
            data.train_set_sentences_per_label_list = [{"Label": "0", "Training Sample Count": 8}]
            names = self.rng.sample(
                ["accuracy", "f1", "f1_macro", "matthews_correlation"], self.rng.randrange(3)
            )
            results = {name: self.number() for name in names}
            if results:
                data.post_training_eval_results({f"test_{name}": value for name, value in results.items()})
            columns = dict.fromkeys(("Training Loss", "Validation Loss"), self.number)
            data.eval_lines_list = self.lines(columns, gaps=False)
            data.best_model_step = self.some(None, 300)
            log = self.table(data.eval_lines_list)
            return self.printed(
                data,
                module.generate_model_card(Space(model_card_data=data)),
                "setfit",
                hyperparameters=data.hyperparameters,
                evaluation=[(name, self.cell(value)) for name, value in results.items()],
                log=[
                    [f"**{x}**" for x in row] if row[1] == str(data.best_model_step) else row for row in log
                ],
                base_model=base,
                datasets=[found] if found else [],
            )

        return print_one

    def span_marker(self) -> Callable[[], Printed]:
        """Return SpanMarker's; up to 1.3 a text with the encoder's name."""
        (module,) = self.load_cards("span_marker")
        if hasattr(module, "is_public_model"):
            module.is_public_model = lambda _: True
            text = module.generate_model_card("x", Space(encoder={"_name_or_path": "roberta-base"}))
            return lambda: Printed(text, "spanmarker", license="apache-2.0")

        def print_one() -> Printed:
            base, license_, found = (
                self.some(None, *BASES),
                self.some(None, *LICENSES),
                self.some(None, *DATASETS),
            )
            told = {"license": license_, "dataset_id": found, "encoder_id": base, "model_name": "SpanMarker"}
            data = module.SpanMarkerModelCardData(**told)
            data.model, data.code_carbon_callback = Model(), self.carbon()
            data.hyperparameters = {
                "learning_rate": self.some(5e-05, 1e-5), "train_batch_size": 32, "seed": 42,
                "optimizer": "Adam with betas=(0.9,0.999) and epsilon=1e-08", "lr_scheduler_type": "linear",
                "lr_scheduler_warmup_ratio": 0.1, "num_epochs": self.some(3, 1.5),
            }  # fmt: skip
            data.label_example_list = [{"Label": "PER", "Examples": '"A: 0.5", "B"'}]
            data.train_set_metrics_list = [{"Training set": "Sentence length", "Min": 1, "Median": 9.5}]
            names = self.some((), ("precision", "recall", "f1"))
            measured = {name: self.number() for name in names}
            if measured:
                values = {name.title(): value for name, value in measured.items()}
                data.metric_lines = [{"Label": label, **values} for label in ("**all**", "PER", "ORG: 2")]
                data.eval_results_dict = {f"test_overall_{name}": value for name, value in measured.items()}
            columns = ("Validation Loss", "Validation Precision", "Validation F1", "Validation Accuracy")
            data.eval_lines_list = self.lines(dict.fromkeys(columns, self.number), gaps=False)
            return self.printed(
                data,
                module.generate_model_card(Space(model_card_data=data)),
                "spanmarker",
                hyperparameters=data.hyperparameters,
                evaluation=[(name, self.cell(value)) for name, value in measured.items()],
                log=self.table(data.eval_lines_list),
                base_model=base,
                datasets=[found] if found else [],
            )

        return print_one

    def autotrain_advanced(self) -> Callable[[], Printed]:
        """Return AutoTrain's, one for each task but those on images made from text."""
        paths = self.home.glob("autotrain/trainers/*/utils.py")
        paths = (path for path in paths if "def create_model_card(config" in path.read_text())
        modules = FINDER.load({f"autotrain.trainers.{path.parent.name}.utils": path for path in paths})

        def print_one() -> Printed:
            module = self.some(*modules)
            config = Space(data_path=self.some(*DATASETS), model=self.some(*BASES), project_name="out")
            config.valid_split, config.peft = self.some("validation", None), self.some(True, False)
            config.task = "classification"
            names = [
                "loss",
                "accuracy",
                "f1",
                "f1_macro",
                "mse",
                "rouge1",
                "map_50",
                "exact_match",
                "precision",
            ]
            measured = {name: self.number() for name in [*names, "runtime", "samples_per_second", "epoch"]}
            best: dict[str, object] = {}
            if ".tabular." in module.__name__:
                best = {
                    "learning_rate": self.number(),
                    "reg_lambda": 1e-05,
                    "max_depth": 7,
                    "booster": "gbtree",
                }
            trainer = Space(evaluate=lambda: {f"eval_{name}": value for name, value in measured.items()})
            told = {"config": config, "trainer": trainer, "num_classes": self.some(2, 5), "sub_task": "x"}
            text = call(module.create_model_card, told | {"best_params": best, "best_metrics": measured})
            return Printed(
                text,
                "autotrain",
                hyperparameters=best,
                evaluation=[(k, str(v)) for k, v in measured.items() if re.search(f"(?m)^(- )?{k}: ", text)],
                base_model=config.model if f"\nbase_model: {config.model}" in text else None,
                license="other" if "\nlicense: other" in text else None,
                datasets=[config.data_path] if f"\ndatasets:\n- {config.data_path}" in text else [],
            )

        return print_one

    def peft(self) -> Callable[[], Printed]:
        """Return PEFT's, which adds to the card of a Trainer, else to the Hub's empty one."""
        (module,) = FINDER.load({"peft.peft_model": self.home / "peft/peft_model.py"})
        module.__version__ = self.release
        if hasattr(module, "add_library_to_model_card"):
            (other,) = FINDER.load({"peft.utils.other": self.home / "peft/utils/other.py"})
            module.add_library_to_model_card = other.add_library_to_model_card
        readme = self.scratch / "README.md"

        def print_one() -> Printed:
            base = self.some(*BASES)
            quantization: dict[str, object] = {
                "quant_method": "bitsandbytes", "bnb_4bit": "fp4", "load_in_8bit": self.some(True, False),
                "llm_int8_threshold": 6.0, "llm_int8_skip_modules": self.some(None, ["lm_head"]),
            }  # fmt: skip
            config = Space(to_dict=lambda: {"model_type": "llama", "_name_or_path": base})
            if self.rng.random() < 0.5:
                config.quantization_config = Space(to_dict=lambda: quantization)
            model = Space(config=config, get_base_model=lambda: Space(model_tags=None))
            model._get_peft_specific_model_tags = lambda: [f"base_model:adapter:{base}", "lora"]
            module.BaseTuner = Space(get_model_config=lambda _: config.to_dict())
            readme.unlink(missing_ok=True)
            card = Printed("", "peft")
            if self.release == "0.5.0" or self.rng.random() < 0.6:
                card = self.transformers_card(self.tables, "trainer")
                readme.write_text(card.text, encoding="utf-8")
            for _ in range(self.some(1, 2)):  # at each checkpoint
                module.PeftModel.create_or_update_model_card(model, str(self.scratch))
            card.text, card.kind = readme.read_text(encoding="utf-8"), "peft"
            card.versions["peft"] = self.release
            card.base_model = base if f"\nbase_model: {base}" in card.text else card.base_model
            if "bitsandbytes` quant" in card.text:
                card.hyperparameters |= quantization
            return card

        return print_one

    def transformers(self) -> Callable[[], Printed]:
        """Return that of transformers' callback for Keras."""
        module = load_tables(self.home)
        return lambda: self.transformers_card(module, "keras")

    def transformers_card(self, module: Any, source: str) -> Printed:
        """Return a card that transformers prints for Keras or for a Trainer."""
        base, data = self.some(None, *BASES), self.some(None, *DATASETS)
        versions = self.versions("datasets", "tokenizers", "tensorflow" if source == "keras" else "torch")
        told: dict[str, Any] = {"model_name": "out", "dataset": data, "finetuned_from": base}
        if source == "keras":
            rate = self.some(5e-05, {"class_name": "PolynomialDecay", "config": {"power": 1.0, "name": None}})
            optimizer = {"name": "Adam", "learning_rate": rate, "amsgrad": False}
            model = Space(config=Space(), optimizer=self.some(None, Space(get_config=lambda: optimizer)))
            names = ("loss", "val_loss", "train_accuracy", "val_accuracy")
            history = [
                {name: self.number() for name in names} | {"epoch": i}
                for i in range(1 + self.rng.randrange(6))
            ]
            summary = module.TrainingSummary.from_keras(model, keras_history=history, **told)
        else:
            columns = dict.fromkeys(("Training Loss", "Validation Loss"), self.number)
            summary = module.TrainingSummary(
                eval_lines=self.lines(columns, gaps=False),
                eval_results=self.some(None, {"Loss": self.number(), "F1 Macro": self.number()}),
                hyperparameters={"learning_rate": 2e-05, "optimizer": "Use adamw_torch and no arguments"},
                tags=["generated_from_trainer"],
                license=self.some(None, *LICENSES),
                **told,
            )
        return Printed(
            summary.to_model_card(),
            source,
            hyperparameters=summary.hyperparameters,
            versions={"transformers": module.__version__, **versions},
            evaluation=[(name, self.cell(value)) for name, value in (summary.eval_results or {}).items()],
            log=self.table(summary.eval_lines),
            base_model=base,
            license=summary.license,
            datasets=[data] if data else [],
        )

    def huggingface_hub(self) -> Callable[[], Printed]:
        """Return that of the Hub's client for Keras models."""
        path = self.scratch / "keras_mixin.py"  # the client that runs here must not be taken for it
        text = (self.home / "huggingface_hub/keras_mixin.py").read_text()
        path.write_text(re.sub(r"from huggingface_hub\b", "from old_hub", text))
        given = {"old_hub.utils": {"yaml_dump": yaml.safe_dump}, **KERAS}
        (module,) = FINDER.load({"old_hub.keras_mixin": path}, given)
        module.collections = collections.abc  # where Python 3.9 still had it

        def print_one() -> Printed:
            rate = self.some(0.001, 5e-05, {"class_name": "Decay", "config": {"rate": 0.5}})
            optimizer = {"name": "Adam", "learning_rate": rate, "weight_decay": None, "amsgrad": False}
            logs = [{"loss": self.number(), "val_loss": self.number()} for _ in range(self.rng.randrange(5))]
            history = {key: [line[key] for line in logs] for key in ("loss", "val_loss")} if logs else {}
            model = Space(optimizer=self.some(None, Space(get_config=lambda: dict(optimizer))))
            model.history = Space(history=history)
            folder = Path(tempfile.mkdtemp(dir=self.scratch))
            told = {"model": model, "repo_dir": folder, "plot_model": False, "metadata": {"tags": ["x"]}}
            call(module._create_model_card, told)
            text = (folder / "README.md").read_text(encoding="utf-8")
            used: dict[str, object] = {"optimizer": optimizer} if "- optimizer:" in text else dict(optimizer)
            if "| Hyperparameters |" in text and isinstance(rate, dict):  # from 0.9 on
                del used["learning_rate"]
                used |= {"learning_rate.class_name": "Decay", "learning_rate.config.rate": 0.5}
            log = []
            if logs and "| Epochs |" in text:  # up to 0.7, which numbers equal epochs alike
                log = [["Epochs", "Train Loss", "Validation Loss"]]
                log += [[str(logs.index(x) + 1), *(str(round(v, 3)) for v in x.values())] for x in logs]
            used = used | {"training_precision": "float32"} if model.optimizer else {}
            return Printed(text, "keras", hyperparameters=used, log=log)

        return print_one


class Model:
    """What generators ask of a model."""

    labels = ("a", "b")
    similarity_fn_name = "cosine"
    max_seq_length = 512
    num_labels = 1
    modalities = ()
    model_body = property(lambda self: self)
    tokenizer = Space(model_max_length=256)
    config = Space(to_dict=lambda: {"entity_max_length": 8})

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: 384) if name.startswith("get_") else Stub()

    def __getitem__(self, _: int) -> Any:
        return Stub()

    def __iter__(self) -> Iterator[Any]:
        return iter(())


@dataclass(eq=False)
class Evaluator:
    """What sentence-transformers asks of an evaluator."""

    name: str
    description: str
    primary_metric: str
    config: dict[str, object]
    compares: bool

    def get_config_dict(self) -> dict[str, object]:
        """Return its settings."""
        return self.config


def call(function: Callable[..., Any], told: dict[str, Any]) -> Any:
    """Call a function with as much of this as its release takes."""
    return function(**{k: v for k, v in told.items() if k in inspect.signature(function).parameters})


def load_tables(home: Path) -> Any:
    """Return a release's modelcard module."""
    given = {"transformers": {"__version__": home.name.split("-")[1]}, **KERAS}
    (module,) = FINDER.load({"transformers.modelcard": home / "transformers/modelcard.py"}, given)
    module.model_info, module.TASK_MAPPING = None, {}
    return module


def differences(printed: Printed) -> Iterator[tuple[str, object, object]]:
    """Yield what was printed, beside what was read, claim by claim."""
    card = read_card(printed.text, target="generated")
    claims = card.claims
    yield "kind", printed.kind, card.kind
    yield "base_model", printed.base_model, claims.base_model
    yield "license", printed.license, claims.license
    yield "datasets", printed.datasets, list(claims.datasets)
    versions = {PACKAGES.get(name, name): text for name, text in printed.versions.items()}
    used = {name: str(value).strip() for name, value in printed.hyperparameters.items()}
    yield from group(card, "hyperparameters", list(used.items()), claims.hyperparameters)
    yield from group(card, "versions", list(versions.items()), claims.versions)
    headline = list(dict.fromkeys(printed.evaluation))
    yield from group(card, "evaluation", headline, claims.evaluation)
    log = [list(claims.results.header)] if claims.results else []
    rows = claims.results.rows if claims.results else ()
    yield "header", printed.log[:1], log
    yield "number of rows", len(printed.log[1:]), len(rows)
    for texts, row in zip(printed.log[1:], rows, strict=False):
        yield "line of row", texts, [cell.strip() for cell in card.lines[row.line - 1].strip(" |").split("|")]
        yield "number of cells", len(texts), len(row.cells)
        for text, cell in zip(texts, row.cells, strict=False):
            yield "cell", (text, value(text)), (cell.text, cell.value)


def group(
    card: Card, what: str, printed: Sequence[tuple[str, str]], claims: dict[str, Claim]
) -> Iterator[tuple[str, object, object]]:
    """Compare claims of one sort: all are there, no others, and each stands where it says."""
    found = {(plain(re.sub(r" \(\d+\)$", "", name)), claim.text): claim for name, claim in claims.items()}
    stated = [(plain(name), text) for name, text in printed]
    yield f"further {what}", [], [key for key in found if key not in stated]
    for name, text in stated:
        claim = found.get((name, text))
        line = card.lines[claim.line - 1] if claim else ""
        named = what != "hyperparameters" or name in plain(line) or "|" in line
        there = claim is not None and text.split("\n")[0] in line and named
        read = (claim.text, claim.value, there) if claim else None
        yield what, (name, (text, value(text), True)), (name, read)


def plain(name: str) -> str:
    """Return a name in lower case, its words joined by `_`."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def value(text: str) -> object:
    """Return what a text means; emphasis and a difference are no part of a number, but of a text."""
    meant = meaning(re.sub(r" \([-+]\d\.\d+\)$", "", text.strip("*")), "cells")
    return None if text == "" else text if isinstance(meant, str) else meant


def main() -> None:
    """Print the table, and the first differences of each release."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the wheels lie")
    parser.add_argument("--count", type=int, default=200, help="cards of each release")
    parser.add_argument("--show", type=int, default=3, help="differences to show of each release")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.meta_path.insert(0, FINDER)
    vars(huggingface_hub)["DatasetFilter"] = Stub  # as old releases have it
    sys.dont_write_bytecode = True
    lines, shown, wrong = [], [], 0
    with tempfile.TemporaryDirectory() as temporary:
        homes = [unpack(wheel, Path(temporary)) for wheel in options.folder.glob("*.whl")]
        homes.sort(key=lambda home: [int(x) if x.isdigit() else x for x in re.split(r"[-.]", home.name)])
        newest = [home for home in homes if home.name.startswith("transformers-")][-1]
        for home in homes:
            package, release = home.name.split("-")
            rng = random.Random(f"{options.seed} {home.name}")  # noqa: S311 -- cards, not secrets
            scratch = Path(tempfile.mkdtemp(dir=temporary))
            print_one = getattr(Generators(rng, home, newest, scratch), package)()
            counted: Counter[bool] = Counter()
            seen: Counter[str] = Counter()
            for at in range(options.count):
                for what, should, was in differences(print_one()):
                    counted[should == was] += 1
                    if should != was:
                        seen[what] += 1
                        if seen[what] <= options.show:
                            shown.append(f"{home.name} card {at}: {what}: printed {should!r}, read {was!r}")
            wrong += counted[False]
            lines.append(
                f"| {package} | {release} | {options.count} | {counted.total()} | {counted[False]} |"
            )
    print("| generator | release | cards | claims | wrong |\n|---|---|---:|---:|---:|")
    print("\n".join([*lines, "", *shown]))
    sys.exit(wrong > 0)


def unpack(wheel: Path, folder: Path) -> Path:
    """Unpack what of a wheel prints cards."""
    home = folder / "-".join(wheel.name.split("-")[:2])
    with zipfile.ZipFile(wheel) as archive:
        wanted = re.compile(r"card|template|keras_mixin|/utils|trainer|modeling\.py|peft_model|/other\.py")
        names = [name for name in archive.namelist() if wanted.search(name) and "/models/" not in name]
        archive.extractall(home, [name for name in names if name.endswith((".py", ".md"))])
    return home


if __name__ == "__main__":
    main()
