"""The demo as one would write it by hand: the Trainer of the environment, and nothing of this program.

Runs inside the demo's locked environment; the yardstick for faithfulness and speed.

    <environment's python> benchmarks/plain_demo.py DATA_PY ISSUES CONFIG VOCABULARY

Prints one JSON object: `losses` (the Trainer's own log) and `seconds` of the training phase.
"""

import json
import runpy
import sys
import tempfile
import time
from pathlib import Path

import transformers

data_py, issues, config, vocabulary = sys.argv[1:]
build = runpy.run_path(data_py)["build"]

tokenizer = transformers.BertTokenizerFast(vocab_file=vocabulary, do_lower_case=True)
train, evaluation = build(issues, tokenizer, 64)
transformers.set_seed(7)
model = transformers.BertForMaskedLM(transformers.BertConfig(**json.loads(Path(config).read_text())))

with tempfile.TemporaryDirectory() as folder:
    trainer = transformers.Trainer(
        model=model,
        tokenizer=tokenizer,
        args=transformers.TrainingArguments(
            folder,
            learning_rate=0.001,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=8,
            num_train_epochs=16,
            seed=42,
            logging_strategy="epoch",
            evaluation_strategy="epoch",
            save_strategy="no",
            disable_tqdm=True,
            report_to="none",
        ),
        data_collator=transformers.DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=0.15),
        train_dataset=train,
        eval_dataset=evaluation,
    )
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    started = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - started
print(json.dumps({"losses": trainer.state.log_history, "seconds": seconds}))
