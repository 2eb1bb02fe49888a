"""Recipe `probe`: does this environment import, does its Trainer train, and in which order of the data?"""

import importlib
import math
import os
import tempfile
import traceback

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
    """Import the packages, train two short epochs of a tiny BERT on the CPU, and say what was seen.

    Returns:
        `recipe_describe.run`'s values, plus `imported` (module to version), `devices` as torch sees them and,
        where there is a Trainer, what `_train` returns. `failure` is None, or `stage` (`import`, `train`,
        `devices`), `error` and `traceback` of what went wrong: what was seen before is worth knowing, too.
    """
    result = dict(recipe_describe.run(request), imported={}, failure=None)
    stage = "import"
    try:
        for package, module in _IMPORTS.items():
            if package in result["packages"]:
                loaded = importlib.import_module(module)
                result["imported"][module] = getattr(loaded, "__version__", result["packages"][package])
        if "torch" in result["imported"] and "transformers" in result["imported"]:
            stage = "train"
            result.update(_train())
        if "torch" in result["imported"]:
            stage = "devices"
            result["devices"] = devices.report()
    except Exception as error:  # noqa: BLE001 - whatever an old package raises is what the probe is to find
        result["failure"] = {
            "stage": stage,
            "error": "%s: %s" % (type(error).__name__, error),
            "traceback": traceback.format_exc(),
        }
    return result


def _train():
    """Train a two-layer BERT of width 8 on sixteen made-up sentences, two epochs of four steps.

    Returns:
        `trained` (whether the weights moved and the loss is a number), `loss` (mean over the steps), `orders`
        (the examples' numbers in the order in which the model saw them, for each epoch) and `stream` (whose
        order that is, or None).
    """
    import transformers

    from . import streams

    # Without dropout nothing but the sampler and the data loader draws between two epochs: the global stream
    # can be worked out.
    config = transformers.BertConfig(
        vocab_size=32,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    transformers.set_seed(streams.SEED)  # the Trainer seeds again, when the weights are there
    model = transformers.BertForMaskedLM(config)
    seen = []
    embeddings = model.get_input_embeddings()
    embeddings.register_forward_pre_hook(lambda module, inputs: seen.extend(inputs[0][:, 0].tolist()))
    before = embeddings.weight.detach().clone()
    # A sentence begins with its number, so the model's own input tells the order.
    rows = [{"input_ids": [i, 25, 29, 23], "labels": [-100, 25, -100, 23]} for i in range(streams.EXAMPLES)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = compat.training_arguments(
            os.path.join(folder, "out"),
            {
                "num_train_epochs": streams.EPOCHS,
                "per_device_train_batch_size": streams.BATCH,
                "seed": streams.SEED,
                "no_cuda": True,
                "save_strategy": "no",
                "report_to": "none",
                "disable_tqdm": True,
            },
        )
        trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows)
        loss = float(trainer.train().training_loss)
    orders = streams.orders_of(seen)
    moved = not bool((embeddings.weight.detach() == before).all())
    return {
        "trained": moved and math.isfinite(loss),
        "loss": loss if math.isfinite(loss) else None,  # JSON has no NaN
        "orders": orders,
        "stream": streams.recognise(orders),
    }
