"""Recipe `probe`: does this environment import, and does its Trainer train one step?"""

import importlib
import os
import tempfile

from . import compat, devices, recipe_describe

# What a masked-language-model run imports; a name that is not installed here is not asked for.
_IMPORTS = {
    "torch": "torch",
    "transformers": "transformers",
    "datasets": "datasets",
    "tokenizers": "tokenizers",
    "accelerate": "accelerate",
    "scikit-multilearn": "skmultilearn.model_selection",
}


def run(request):
    """Import the packages, train one step of a tiny BERT on the CPU, and say what was seen.

    Returns:
        `recipe_describe.run`'s values, plus `imported` (module to version), `devices` as torch sees them,
        and `loss` of the step.
    """
    described = recipe_describe.run(request)
    imported = {}
    for package, module in _IMPORTS.items():
        if package in described["packages"]:
            loaded = importlib.import_module(module)
            imported[module] = getattr(loaded, "__version__", described["packages"][package])
    described["imported"] = imported
    if "torch" in imported:
        described["devices"] = devices.report()  # before a model is loaded
    if "torch" in imported and "transformers" in imported:
        described["loss"] = _one_step()
    return described


def _one_step():
    """Train one step of a two-layer BERT of width 8 on four made-up sentences; return its loss."""
    import transformers

    config = transformers.BertConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16
    )
    rows = [{"input_ids": [1 + i, 5, 9, 3], "labels": [-100, 5, -100, 3]} for i in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = compat.training_arguments(
            os.path.join(folder, "out"),
            {
                "max_steps": 1,
                "no_cuda": True,
                "save_strategy": "no",
                "report_to": "none",
                "disable_tqdm": True,
            },
        )
        trainer = transformers.Trainer(
            model=transformers.BertForMaskedLM(config), args=arguments, train_dataset=rows
        )
        return float(trainer.train().training_loss)
