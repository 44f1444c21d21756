"""llama.cpp's flags that are no setting of this program: what becomes of each, and why.

Every flag of llama.cpp's programs is in exactly one class. It works (`flags.py`); it has no
influence on what a model writes, and is left out with a note; it changes what a model writes and is
not built here, and is refused; or llama.cpp itself no longer has it, and it is left out with a
note. Read in common/arg.cpp of llama.cpp 0c1e57098; a test holds this table against the recorded
list of that version's flags.

A row is a flag with all its spellings, how many values it takes (``=1``; nothing is none, ``=?`` is
one of on, off, auto, which may be missing), values at which it has no influence (``ok:0``), and its
environment variable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Fate = Literal["unneeded", "refused", "removed"]


@dataclass(frozen=True)
class LlamaFlag:
    """One flag that is no setting here; `why` ends a sentence, `instead` is a sentence.

    `harmless` are values with which a refused flag has no influence.
    """

    names: tuple[str, ...]
    fate: Fate
    why: str
    instead: str = ""
    arity: int = 0
    optional: bool = False
    harmless: tuple[str, ...] = ()
    env: str = ""


@dataclass(frozen=True)
class _Group:
    fate: Fate
    why: str
    instead: str
    rows: str


def _unneeded(why: str, rows: str) -> _Group:
    return _Group("unneeded", why, "", rows)


def _refused(why: str, instead: str, rows: str) -> _Group:
    return _Group("refused", why, instead, rows)


def _removed(instead: str, rows: str) -> _Group:
    return _Group("removed", "llama.cpp no longer has it", instead, rows)


_OMIT: Final = "Omit it."
_OTHER_TASK: Final = "it belongs to a program of llama.cpp that does something else than answer"

_GROUPS: Final[tuple[_Group, ...]] = (
    _unneeded(
        "this program is no server",
        """
        -a --alias =1 LLAMA_ARG_ALIAS
        --tags =1 LLAMA_ARG_TAGS
        --host =1 LLAMA_ARG_HOST
        --port =1 LLAMA_ARG_PORT
        --reuse-port LLAMA_ARG_REUSE_PORT
        --path =1 LLAMA_ARG_STATIC_PATH
        --cors-origins =1 LLAMA_ARG_CORS_ORIGINS
        --cors-methods =1 LLAMA_ARG_CORS_METHODS
        --cors-headers =1 LLAMA_ARG_CORS_HEADERS
        --cors-credentials --no-cors-credentials LLAMA_ARG_CORS_CREDENTIALS
        --api-prefix =1 LLAMA_ARG_API_PREFIX
        --ui-config --webui-config =1 LLAMA_ARG_UI_CONFIG
        --ui-config-file --webui-config-file =1 LLAMA_ARG_UI_CONFIG_FILE
        --ui-mcp-proxy --webui-mcp-proxy --no-ui-mcp-proxy --no-webui-mcp-proxy \
            LLAMA_ARG_UI_MCP_PROXY
        --tools =1 LLAMA_ARG_TOOLS
        --tools-runtime =1 LLAMA_ARG_TOOLS_RUNTIME
        --mcp-servers-config =1 LLAMA_ARG_MCP_SERVERS_CONFIG
        --mcp-servers-json =1 LLAMA_ARG_MCP_SERVERS_JSON
        -ag --agent -no-ag --no-agent LLAMA_ARG_AGENT
        --ui --webui --no-ui --no-webui LLAMA_ARG_UI
        --api-key =1 LLAMA_API_KEY
        --api-key-file =1 LLAMA_ARG_API_KEY_FILE
        --ssl-key-file =1 LLAMA_ARG_SSL_KEY_FILE
        --ssl-cert-file =1 LLAMA_ARG_SSL_CERT_FILE
        -to --timeout =1 LLAMA_ARG_TIMEOUT
        --sse-ping-interval =1 LLAMA_ARG_SSE_PING_INTERVAL
        --threads-http =1 LLAMA_ARG_THREADS_HTTP
        --metrics LLAMA_ARG_ENDPOINT_METRICS
        --props LLAMA_ARG_ENDPOINT_PROPS
        --slots --no-slots LLAMA_ARG_ENDPOINT_SLOTS
        --slot-save-path =1
        --media-path =1
        --models-dir =1 LLAMA_ARG_MODELS_DIR
        --models-preset =1 LLAMA_ARG_MODELS_PRESET
        --models-max =1 LLAMA_ARG_MODELS_MAX
        --models-autoload --no-models-autoload LLAMA_ARG_MODELS_AUTOLOAD
        --prefill-assistant --no-prefill-assistant LLAMA_ARG_PREFILL_ASSISTANT
        -sps --slot-prompt-similarity =1
        --sleep-idle-seconds =1
        --spm-infill
        """,
    ),
    _unneeded(
        "it only changes what is shown or logged",
        """
        --verbose-prompt
        --display-prompt --no-display-prompt
        -co --color =?
        -ptc --print-token-count =1
        --perf --no-perf LLAMA_ARG_PERF
        --show-timings --no-show-timings LLAMA_ARG_SHOW_TIMINGS
        -sp --special
        --simple-io
        -o --output --output-file =1
        --reasoning-format =1 LLAMA_ARG_THINK
        --skip-chat-parsing --no-skip-chat-parsing LLAMA_ARG_SKIP_CHAT_PARSING
        --log-disable
        --log-file =1 LLAMA_ARG_LOG_FILE
        --log-jsonl --no-log-jsonl LLAMA_ARG_LOG_JSONL
        --log-prompts-dir =1
        --log-colors =? LLAMA_ARG_LOG_COLORS
        -v --verbose --log-verbose
        -lv --verbosity --log-verbosity =1 LLAMA_ARG_LOG_VERBOSITY
        --log-prefix --no-log-prefix LLAMA_ARG_LOG_PREFIX
        --log-timestamps --no-log-timestamps LLAMA_ARG_LOG_TIMESTAMPS
        -cl --cache-list
        --completion-bash
        --list-devices
        -fitp --fit-print =1 LLAMA_ARG_FIT_ESTIMATE
        --check-tensors
        """,
    ),
    _unneeded(
        "it only changes speed or memory",
        """
        -C --cpu-mask =1
        -Cr --cpu-range =1
        --cpu-strict =1
        --poll =1
        -Cb --cpu-mask-batch =1
        -Crb --cpu-range-batch =1
        --cpu-strict-batch =1
        --prio-batch =1
        --poll-batch =1
        --numa =1 LLAMA_ARG_NUMA
        -lzm --lazy-mode =1 LLAMA_ARG_LAZY_MODE
        --warmup --no-warmup
        -ctxcp --ctx-checkpoints --swa-checkpoints =1 LLAMA_ARG_CTX_CHECKPOINTS
        -cms --checkpoint-min-step =1 LLAMA_ARG_CHECKPOINT_MIN_SPACING_NT
        -cram --cache-ram =1 LLAMA_ARG_CACHE_RAM
        --cache-idle-slots --no-cache-idle-slots LLAMA_ARG_CACHE_IDLE_SLOTS
        --cache-prompt --no-cache-prompt LLAMA_ARG_CACHE_PROMPT
        --prompt-cache =1
        --prompt-cache-all
        --prompt-cache-ro
        -dt --defrag-thold =1 LLAMA_ARG_DEFRAG_THOLD
        """,
    ),
    _unneeded(
        "lanes take the place of parallel requests, and the context is one lane's",
        """
        -np --parallel =1 LLAMA_ARG_N_PARALLEL
        -kvu --kv-unified -no-kvu --no-kv-unified LLAMA_ARG_KV_UNIFIED
        -cb --cont-batching -nocb --no-cont-batching LLAMA_ARG_CONT_BATCHING
        """,
    ),
    _unneeded(
        "speculative decoding only makes it faster, and the same chain draws the tokens",
        """
        --spec-draft-hf -hfd -hfrd --hf-repo-draft =1 LLAMA_ARG_SPEC_DRAFT_HF_REPO
        --spec-draft-threads -td --threads-draft =1
        --spec-draft-threads-batch -tbd --threads-batch-draft =1
        --spec-draft-cpu-mask -Cd --cpu-mask-draft =1
        --spec-draft-cpu-range -Crd --cpu-range-draft =1
        --spec-draft-cpu-strict --cpu-strict-draft =1
        --spec-draft-prio --prio-draft =1
        --spec-draft-poll --poll-draft =1
        --spec-draft-cpu-mask-batch -Cbd --cpu-mask-batch-draft =1
        --spec-draft-cpu-range-batch -Crbd --cpu-range-batch-draft =1
        --spec-draft-cpu-strict-batch --cpu-strict-batch-draft =1
        --spec-draft-prio-batch --prio-batch-draft =1
        --spec-draft-poll-batch --poll-batch-draft =1
        --spec-draft-type-k -ctkd --cache-type-k-draft =1 LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_K
        --spec-draft-type-v -ctvd --cache-type-v-draft =1 LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_V
        --spec-draft-override-tensor -otd --override-tensor-draft =1
        --spec-draft-cpu-moe -cmoed --cpu-moe-draft LLAMA_ARG_SPEC_DRAFT_CPU_MOE
        --spec-draft-n-cpu-moe --spec-draft-ncmoe -ncmoed --n-cpu-moe-draft =1 \
            LLAMA_ARG_SPEC_DRAFT_N_CPU_MOE
        --spec-draft-n-max =1 LLAMA_ARG_SPEC_DRAFT_N_MAX
        --spec-draft-n-min =1 LLAMA_ARG_SPEC_DRAFT_N_MIN
        --spec-draft-p-split --draft-p-split =1 LLAMA_ARG_SPEC_DRAFT_P_SPLIT
        --spec-draft-p-min --draft-p-min =1 LLAMA_ARG_SPEC_DRAFT_P_MIN
        --spec-draft-backend-sampling --no-spec-draft-backend-sampling \
            LLAMA_ARG_SPEC_DRAFT_BACKEND_SAMPLING
        --spec-draft-device -devd --device-draft =1
        --spec-draft-ngl -ngld --gpu-layers-draft --n-gpu-layers-draft =1 \
            LLAMA_ARG_N_GPU_LAYERS_DRAFT
        --spec-draft-model -md --model-draft =1 LLAMA_ARG_SPEC_DRAFT_MODEL
        --spec-type =1 LLAMA_ARG_SPEC_TYPE
        --spec-ngram-mod-n-min =1
        --spec-ngram-mod-n-max =1
        --spec-ngram-mod-n-match =1
        --spec-ngram-simple-size-n =1
        --spec-ngram-simple-size-m =1
        --spec-ngram-simple-min-hits =1
        --spec-ngram-map-k-size-n =1
        --spec-ngram-map-k-size-m =1
        --spec-ngram-map-k-min-hits =1
        --spec-ngram-map-k4v-size-n =1
        --spec-ngram-map-k4v-size-m =1
        --spec-ngram-map-k4v-min-hits =1
        --spec-default
        -lcs --lookup-cache-static =1
        -lcd --lookup-cache-dynamic =1
        """,
    ),
    _unneeded(
        "models are downloaded on the models page or with qwqdesk models download",
        """
        -hft --hf-token =1 HF_TOKEN
        --offline LLAMA_ARG_OFFLINE
        --mtp
        --dflash
        --eagle3
        """,
    ),
    _unneeded(
        "context and GPU layers fit themselves to the memory unless they are stated",
        """
        -fit --fit =1 LLAMA_ARG_FIT
        -fitt --fit-target =1 LLAMA_ARG_FIT_TARGET
        -fitc --fit-ctx =1 LLAMA_ARG_FIT_CTX
        """,
    ),
    _unneeded(
        "each prompt gets one reply here, and nothing is asked in between",
        """
        -st --single-turn
        -i --interactive
        -if --interactive-first
        -mli --multiline-input
        """,
    ),
    _unneeded(
        "it is always so here",
        """
        --no-context-shift
        --jinja LLAMA_ARG_JINJA
        --repack LLAMA_ARG_REPACK
        --op-offload
        """,
    ),
    _unneeded(
        "a new prompt has no earlier reasoning",
        "--reasoning-preserve --no-reasoning-preserve LLAMA_ARG_REASONING_PRESERVE",
    ),
    _unneeded(
        "text needs no projector",
        """
        --mmproj-auto --no-mmproj --no-mmproj-auto LLAMA_ARG_MMPROJ_AUTO
        --mmproj-offload --no-mmproj-offload LLAMA_ARG_MMPROJ_OFFLOAD
        -mmdev --mmproj-device =1 MTMD_BACKEND_DEVICE
        --image-min-tokens =1 LLAMA_ARG_IMAGE_MIN_TOKENS
        --image-max-tokens =1 LLAMA_ARG_IMAGE_MAX_TOKENS
        --mtmd-batch-max-tokens =1 LLAMA_ARG_MTMD_BATCH_MAX_TOKENS
        --video-fps =1 LLAMA_ARG_VIDEO_FPS
        --video-timestamp-interval =1 LLAMA_ARG_VIDEO_TIMESTAMP_INTERVAL
        --video-ffmpeg-dir =1 LLAMA_ARG_VIDEO_FFMPEG_DIR
        """,
    ),
    _unneeded(
        "it starts llamafile in another way",
        """
        --cli
        --server
        --chat
        --nobrowser
        --unsecure
        --nocompile
        --recompile
        --v2
        --gpu =1
        """,
    ),
    # ------------------------------------------------------------ refused
    _refused(
        "a full context ends the reply here; its beginning is never forgotten",
        "Omit it, and make the context larger with -c.",
        """
        --context-shift LLAMA_ARG_CONTEXT_SHIFT
        --keep =1 ok:0
        """,
    ),
    _refused(
        "images, sound and video are not read here",
        "Omit it to ask with text alone.",
        """
        -mm --mmproj =1 LLAMA_ARG_MMPROJ
        -mmu --mmproj-url =1 LLAMA_ARG_MMPROJ_URL
        --image --audio --video =1
        """,
    ),
    _refused(
        "control vectors are not built here, and they change the model",
        _OMIT,
        """
        --control-vector =1
        --control-vector-scaled =1
        --control-vector-layer-range =2
        """,
    ),
    _refused(
        "it changes the prompt in a way that is not built here",
        "Write the whole prompt in -p and add --raw.",
        """
        --in-prefix-bos
        --in-prefix =1
        --in-suffix =1
        """,
    ),
    _refused(
        "chat templates are always run as Jinja here",
        "Omit it, or choose one of the built-in formats with --chat-template NAME.",
        "--no-jinja",
    ),
    _refused("a prompt is read as text here", "Write -f FILE.", "-bf --binary-file =1"),
    _refused(
        "the model runs in this program, not on a server",
        "Omit it, and name the model with -m.",
        "--server-base =1",
    ),
    _refused(
        "self-extend is not built here, and it changes the positions of tokens",
        "Omit it, or use --rope-scaling yarn.",
        """
        -gan --grp-attn-n =1 ok:1 LLAMA_ARG_GRP_ATTN_N
        -gaw --grp-attn-w =1 LLAMA_ARG_GRP_ATTN_W
        """,
    ),
    _refused(
        "moved pieces of the cache give other numbers than a prompt that is read, "
        "so it is not built here",
        _OMIT,
        "--cache-reuse =1 ok:0 LLAMA_ARG_CACHE_REUSE",
    ),
    _refused(
        "sampling on the device draws other tokens for the same seed, so it is not built here",
        _OMIT,
        "-bs --backend-sampling LLAMA_ARG_BACKEND_SAMPLING",
    ),
    _refused(
        "it changes how numbers are rounded and is not built here",
        _OMIT,
        """
        -nr --no-repack
        --no-host LLAMA_ARG_NO_HOST
        --no-op-offload
        """,
    ),
    _refused(
        "other machines are not used here", _OMIT, "--rpc =1 LLAMA_ARG_RPC"
    ),
    _refused(
        "the context is one lane's here",
        "Write -c N for the context of each lane.",
        "--kv-unified-per-slot =1 LLAMA_ARG_KV_UNIFIED_PER_SLOT",
    ),
    _refused(
        "an adapter that is loaded is also applied here",
        "Omit --lora to run without it.",
        "--lora-init-without-apply",
    ),
    _refused(
        "it accepts drafted tokens that the model would not write",
        _OMIT,
        """
        --spec-synth-len =1 LLAMA_ARG_SPEC_SYNTH_LEN
        --spec-synth-rates =1 LLAMA_ARG_SPEC_SYNTH_RATES
        """,
    ),
    _refused(
        "models on Docker Hub are not read here",
        "Give the model's file with -m, or a repository with -hf.",
        "-dr --docker-repo =1 LLAMA_ARG_DOCKER_REPO",
    ),
    _refused(
        "it stands for a model with values of its own, which are not known here",
        "Name the model with -hf OWNER/NAME and write the values.",
        """
        --embd-gemma-default
        --fim-qwen-1.5b-default
        --fim-qwen-3b-default
        --fim-qwen-7b-default
        --fim-qwen-7b-spec
        --fim-qwen-14b-spec
        --fim-qwen-30b-default
        --gpt-oss-20b-default
        --gpt-oss-120b-default
        --vision-gemma-4b-default
        --vision-gemma-12b-default
        """,
    ),
    _refused(
        "embeddings and rankings are not computed here",
        _OMIT,
        """
        --embedding --embeddings LLAMA_ARG_EMBEDDINGS
        --rerank --reranking LLAMA_ARG_RERANKING
        --pooling =1 LLAMA_ARG_POOLING
        --attention =1
        --embd-normalize =1
        --embd-output-format =1
        --embd-separator =1
        --cls-separator =1
        """,
    ),
    _refused(
        _OTHER_TASK,
        _OMIT,
        """
        --chunks =1
        --in-file =1
        --hellaswag
        --hellaswag-tasks =1
        --winogrande
        --winogrande-tasks =1
        --multiple-choice
        --multiple-choice-tasks =1
        --kl-divergence
        --save-all-logits --kl-divergence-base =1
        --ppl-stride =1
        --ppl-output-type =1
        -ns --sequences =1
        --context-file =1
        --chunk-size =1
        --chunk-separator =1
        --junk =1
        --pos =1
        -ofreq --output-frequency =1
        --output-format =1
        --save-frequency =1
        --process-output
        --ppl --no-ppl
        --chunk --from-chunk =1
        --show-statistics
        --parse-special
        --ids
        --stdin
        --no-bos
        --no-parse-special
        --show-count
        -pps
        -tgs
        -npp =1
        -ntg =1
        -npl =1
        --positive-file =1
        --negative-file =1
        --pca-batch =1
        --pca-iter =1
        --method =1
        --tts-lang =1
        --tts-speaker-file =1
        --diffusion-steps =1
        --diffusion-visual
        --diffusion-eps =1
        --diffusion-algorithm =1
        --diffusion-alg-temp =1
        --diffusion-block-length =1
        --diffusion-cfg-scale =1
        --diffusion-add-gumbel-noise =1
        -lr --learning-rate =1
        -lr-min --learning-rate-min =1
        -decay-epochs --learning-rate-decay-epochs =1
        -wd --weight-decay =1
        -val-split --val-split =1
        -epochs --epochs =1
        -opt --optimizer =1
        --check
        --save-logits
        --logits-output-dir =1
        --tensor-filter =1
        """,
    ),
    # ------------------------------------------------------------ removed
    _removed(
        "",
        """
        -dio --direct-io -ndio --no-direct-io LLAMA_ARG_DIO
        --instruct -ins
        --memory-f32
        --mul-mat-q -mmq --no-mul-mat-q -nommq
        --mtest
        --chatml
        --interactive-specials
        --low-vram
        --dump-kv-cache -dkvc
        --penalize-nl --no-penalize-nl
        --random-prompt
        --log-enable
        --log-new
        --log-append
        --log-test
        --infill
        --tfs =1
        --top-a =1
        --cfg-negative-prompt =1
        --cfg-negative-prompt-file =1
        --cfg-scale =1
        --logdir -ld =1
        --log-format =1
        --slots-endpoint-disable
        --rms-norm-eps -eps =1
        --gqa -gqa =1
        --n-parts =1
        --lora-base =1
        --system-prompt-url =1
        --skip-unknown
        --ctx-size-draft -cd =1
        --spec-replace =2
        --p-split -ps =1
        --p-accept -pa =1
        --verbose-json
        --model-vocoder -mv =1
        --hf-repo-v -hfv -hfrv =1
        --hf-file-v -hffv =1
        --tts-use-guide-tokens
        """,
    ),
    _removed(
        "it calls the speculative ones --spec-draft-n-max and --spec-draft-n-min today",
        """
        --draft --draft-n --draft-max =1 LLAMA_ARG_DRAFT_MAX
        --draft-min --draft-n-min =1 LLAMA_ARG_DRAFT_MIN
        --spec-ngram-size-n =1
        --spec-ngram-size-m =1
        --spec-ngram-min-hits =1
        """,
    ),
)  # fmt: skip


def _rows(group: _Group) -> Iterator[LlamaFlag]:
    for line in filter(None, (line.strip() for line in group.rows.splitlines())):
        words = line.split()
        counts = [word for word in words if word.startswith("=")]
        yield LlamaFlag(
            names=tuple(word for word in words if word.startswith("-")),
            fate=group.fate,
            why=group.why,
            instead=group.instead,
            arity=int(counts[0][1:]) if counts and counts[0] != "=?" else len(counts),
            optional="=?" in counts,
            harmless=tuple(word[3:] for word in words if word.startswith("ok:")),
            env=next((word for word in words if word.isupper() and "_" in word), ""),
        )


LLAMA_FLAGS: Final[tuple[LlamaFlag, ...]] = tuple(row for group in _GROUPS for row in _rows(group))
"""Every flag of llama.cpp's programs that is no setting of this one."""
