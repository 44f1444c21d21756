"""llama.cpp's flags that mean nothing here, with the number of values each takes.

A pasted command line may hold any of them: they are accepted and named in a note. Read in
common/arg.cpp of llama.cpp 0c1e57098; `_REMOVED` are those of older versions.
"""

from __future__ import annotations

from typing import Final

_NO_VALUE: Final = """
-cl --cache-list --completion-bash --verbose-prompt --display-prompt
--no-display-prompt -kvu --kv-unified -no-kvu --no-kv-unified --cache-idle-slots
--no-cache-idle-slots --context-shift --no-context-shift --perf --no-perf --show-timings
--no-show-timings --prompt-cache-all --prompt-cache-ro -sp --special -st --single-turn -i
--interactive -if --interactive-first -mli --multiline-input --in-prefix-bos --warmup
--no-warmup --spm-infill -bs --backend-sampling --repack
-nr --no-repack --no-host --hellaswag --winogrande --multiple-choice --kl-divergence -cb
--cont-batching -nocb --no-cont-batching --mmproj-auto --no-mmproj --no-mmproj-auto
--mmproj-offload --no-mmproj-offload --list-devices --check-tensors --op-offload
--no-op-offload --mtp --dflash --eagle3 --process-output --ppl --no-ppl --show-statistics
--parse-special --ids --stdin --no-bos --no-parse-special --show-count -pps -tgs --reuse-port
--cors-credentials --no-cors-credentials --ui-mcp-proxy --webui-mcp-proxy --no-ui-mcp-proxy
--no-webui-mcp-proxy -ag --agent -no-ag --no-agent --ui --webui --no-ui --no-webui --embedding
--embeddings --rerank --reranking --cache-prompt --no-cache-prompt --metrics --props --slots
--no-slots --models-autoload --no-models-autoload --jinja --no-jinja --reasoning-preserve
--no-reasoning-preserve --skip-chat-parsing --no-skip-chat-parsing --prefill-assistant
--no-prefill-assistant --lora-init-without-apply --simple-io --log-disable --log-jsonl
--no-log-jsonl -v --verbose --log-verbose --offline --log-prefix --no-log-prefix
--log-timestamps --no-log-timestamps --spec-draft-cpu-moe -cmoed --cpu-moe-draft
--spec-draft-backend-sampling --no-spec-draft-backend-sampling --diffusion-visual --check
--save-logits --embd-gemma-default --fim-qwen-1.5b-default --fim-qwen-3b-default
--fim-qwen-7b-default --fim-qwen-7b-spec --fim-qwen-14b-spec --fim-qwen-30b-default
--gpt-oss-20b-default --gpt-oss-120b-default --vision-gemma-4b-default
--vision-gemma-12b-default --spec-default
"""

_ONE_VALUE: Final = """
--server-base -C --cpu-mask -Cr --cpu-range --cpu-strict --poll -Cb --cpu-mask-batch -Crb
--cpu-range-batch --cpu-strict-batch --prio-batch --poll-batch -lcs --lookup-cache-static -lcd
--lookup-cache-dynamic --kv-unified-per-slot --keep -ctxcp --ctx-checkpoints --swa-checkpoints
-cms --checkpoint-min-step -cram --cache-ram --chunks --in-file -bf --binary-file -ptc
--print-token-count --prompt-cache --in-prefix --in-suffix --pooling --attention -gan
--grp-attn-n -gaw --grp-attn-w --hellaswag-tasks
--winogrande-tasks --multiple-choice-tasks --save-all-logits --kl-divergence-base --ppl-stride
--ppl-output-type -dt --defrag-thold -np --parallel -ns --sequences -mm --mmproj -mmu
--mmproj-url --image --audio --video --image-min-tokens --image-max-tokens
--mtmd-batch-max-tokens --video-fps --video-timestamp-interval --video-ffmpeg-dir --rpc -lzm
--lazy-mode --numa -ncffn --n-cpu-ffn
-fit --fit -fitp --fit-print -fitt --fit-target
-fitc --fit-ctx --control-vector --control-vector-scaled -a --alias --tags
-mu --model-url -dr --docker-repo -hff --hf-file -hft --hf-token --context-file --chunk-size
--chunk-separator --junk --pos -o --output --output-file -ofreq --output-frequency
--output-format --save-frequency --chunk --from-chunk -npp -ntg -npl --embd-normalize
--embd-output-format --embd-separator --cls-separator --host --port --path --cors-origins
--cors-methods --cors-headers --api-prefix --ui-config --webui-config --ui-config-file
--webui-config-file --tools --tools-runtime --mcp-servers-config --mcp-servers-json --api-key
--api-key-file --ssl-key-file --ssl-cert-file --chat-template-kwargs -to --timeout
--sse-ping-interval --threads-http --cache-reuse --slot-save-path --media-path --models-dir
--models-preset --models-max --reasoning-format -rea --reasoning --reasoning-effort -sps
--slot-prompt-similarity --sleep-idle-seconds --positive-file --negative-file --pca-batch
--pca-iter --method --log-file --log-prompts-dir -lv --verbosity --log-verbosity --spec-draft-hf
-hfd -hfrd --hf-repo-draft --spec-draft-threads -td --threads-draft --spec-draft-threads-batch
-tbd --threads-batch-draft --spec-draft-cpu-mask -Cd --cpu-mask-draft --spec-draft-cpu-range
-Crd --cpu-range-draft --spec-draft-cpu-strict --cpu-strict-draft --spec-draft-prio --prio-draft
--spec-draft-poll --poll-draft --spec-draft-cpu-mask-batch -Cbd --cpu-mask-batch-draft
--spec-draft-cpu-range-batch -Crbd --cpu-range-batch-draft --spec-draft-cpu-strict-batch
--cpu-strict-batch-draft --spec-draft-prio-batch --prio-batch-draft --spec-draft-poll-batch
--poll-batch-draft --spec-draft-type-k -ctkd --cache-type-k-draft --spec-draft-type-v -ctvd
--cache-type-v-draft --spec-draft-override-tensor -otd --override-tensor-draft
--spec-draft-n-cpu-moe --spec-draft-ncmoe -ncmoed --n-cpu-moe-draft --spec-draft-n-max
--spec-draft-n-min --spec-synth-len --spec-synth-rates --spec-draft-p-split --draft-p-split
--spec-draft-p-min --draft-p-min --spec-draft-device -devd --device-draft --spec-draft-ngl -ngld
--gpu-layers-draft --n-gpu-layers-draft --spec-draft-model -md --model-draft --spec-type
--spec-ngram-mod-n-min --spec-ngram-mod-n-max --spec-ngram-mod-n-match
--spec-ngram-simple-size-n --spec-ngram-simple-size-m --spec-ngram-simple-min-hits
--spec-ngram-map-k-size-n --spec-ngram-map-k-size-m --spec-ngram-map-k-min-hits
--spec-ngram-map-k4v-size-n --spec-ngram-map-k4v-size-m --spec-ngram-map-k4v-min-hits --draft
--draft-n --draft-max --draft-min --draft-n-min --spec-ngram-size-n --spec-ngram-size-m
--spec-ngram-min-hits --tts-lang --tts-speaker-file --diffusion-steps --diffusion-eps
--diffusion-algorithm --diffusion-alg-temp --diffusion-block-length --diffusion-cfg-scale
--diffusion-add-gumbel-noise -lr --learning-rate -lr-min --learning-rate-min -decay-epochs
--learning-rate-decay-epochs -wd --weight-decay -val-split --val-split -epochs --epochs -opt
--optimizer --logits-output-dir --tensor-filter -mmdev --mmproj-device
"""

_TWO_VALUES: Final = """
--control-vector-layer-range
"""

_REMOVED_NO_VALUE: Final = """
--instruct -ins --memory-f32 --no-mul-mat-q -nommq --mtest --chatml --interactive-specials
--low-vram --dump-kv-cache -dkvc --penalize-nl --no-penalize-nl --random-prompt --log-enable
--log-new --log-append --infill --mul-mat-q --no-log-prefix
"""

_REMOVED_ONE_VALUE: Final = """
--tfs --cfg-negative-prompt --cfg-negative-prompt-file --cfg-scale --logdir -ld --rms-norm-eps
-eps --gqa -gqa
"""

# These took no value in older versions and take on, off or auto today.
OPTIONAL_VALUE: Final = ("--color", "-co", "--log-colors")

IGNORED_FLAGS: Final[tuple[tuple[str, int], ...]] = (
    *((name, 0) for name in _NO_VALUE.split()),
    *((name, 1) for name in _ONE_VALUE.split()),
    *((name, 2) for name in _TWO_VALUES.split()),
    *((name, 0) for name in _REMOVED_NO_VALUE.split()),
    *((name, 1) for name in _REMOVED_ONE_VALUE.split()),
)
"""Pairs of a flag's spelling and how many words follow it."""
