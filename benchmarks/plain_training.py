"""A masked-language-model training as one would write it by hand, for transformers from 4.6 on.

Runs inside an environment of that release; the yardstick for faithfulness. It knows nothing of this program.

    <environment's python> benchmarks/plain_training.py DATA_PY ISSUES CONFIG VOCABULARY EPOCHS

Prints one JSON object: `losses` (training and evaluation in turn, as logged), and digests at the end of the
training: `weights`, `data_order` and `random_state` (of Python, numpy and torch).
"""

import hashlib
import inspect
import json
import random
import runpy
import sys
import tempfile

import numpy
import torch
import transformers

data_py, issues, config, vocabulary, epochs = sys.argv[1:]


def named(function, *names):
    """Return the name that this release has for a parameter: the first that it knows."""
    return next(name for name in names if name in inspect.signature(function).parameters)


words = named(transformers.BertTokenizerFast.__init__, "vocab", "vocab_file")
tokenizer = transformers.BertTokenizerFast(do_lower_case=True, **{words: vocabulary})
train, evaluation = runpy.run_path(data_py)["build"](issues, tokenizer, 64)
transformers.set_seed(7)
with open(config) as file:
    model = transformers.BertForMaskedLM(transformers.BertConfig(**json.load(file)))
mask = transformers.DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=0.15)
order = bytes(32)


def note_and_mask(examples):
    """Note which examples come: after all before, how many tokens and which, as little-endian int64."""
    global order
    for example in examples:
        tokens = example["input_ids"]
        order = hashlib.sha256(order + numpy.array([len(tokens), *tokens], dtype="<i8").tobytes()).digest()
    return mask(examples)


class Trainer(transformers.Trainer):
    """The Trainer, whose training data go through `note_and_mask`."""

    def get_train_dataloader(self):
        """Give the loader of the training data, and no other, the collator that takes notes.

        A loader keeps its collator. What the model is doing would not tell training from evaluation: some
        loaders fetch a batch ahead, and at an epoch's first fetch the model may still be evaluating.
        """
        self.data_collator = note_and_mask
        loader = super().get_train_dataloader()
        self.data_collator = mask
        return loader


with tempfile.TemporaryDirectory() as folder:
    trainer = Trainer(
        model=model,
        args=transformers.TrainingArguments(
            folder,
            learning_rate=0.001,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=8,
            num_train_epochs=int(epochs),
            seed=42,
            logging_strategy="epoch",
            save_strategy="no",
            disable_tqdm=True,
            report_to="none",
            **{
                named(transformers.TrainingArguments, "eval_strategy", "evaluation_strategy"): "epoch",
                named(transformers.TrainingArguments, "use_cpu", "no_cuda"): True,
            },
        ),
        data_collator=mask,
        train_dataset=train,
        eval_dataset=evaluation,
        **{named(transformers.Trainer.__init__, "processing_class", "tokenizer"): tokenizer},
    )
    trainer.train()

weights = hashlib.sha256()
for name, tensor in sorted(model.state_dict().items()):
    weights.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
    weights.update(tensor.contiguous().numpy().tobytes())
_, keys, *rest = numpy.random.get_state()
states = [random.getstate(), [keys.tolist(), *rest], torch.get_rng_state().tolist()]
logged = [each[key] for each in trainer.state.log_history for key in ("loss", "eval_loss") if key in each]
print(
    json.dumps(
        {
            "losses": logged,
            "weights": weights.hexdigest(),
            "data_order": order.hex(),
            "random_state": hashlib.sha256(json.dumps(states).encode()).hexdigest(),
        }
    )
)
