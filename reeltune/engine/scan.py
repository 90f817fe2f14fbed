"""Scores in single precision: computed and compared with thresholds, 64 movies at a time.

Written as vector code, for no loop that the compiler is given comes out as one comparison per
vector and one word of bits. The vectors are as long as a block; LLVM cuts them to what the
processor has.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as numba_cgutils

from reeltune.engine.arrays import LANES
from reeltune.engine.compile import vector_code

cgutils: Any = numba_cgutils
_BLOCK = ir.VectorType(ir.FloatType(), LANES)
_WORD = ir.IntType(LANES)
_INDEX = ir.IntType(32)


@vector_code
def scan(
    _: Any,
    base: Any,
    genre: Any,
    cast: Any,
    w_genre: Any,
    w_cast: Any,
    over: Any,
    near: Any,
    scores: Any,
    best: Any,
    close: Any,
) -> Any:
    """Fill `scores` with `base + w_genre * genre + w_cast * cast`; count those > `over`.

    All are float32, rows whole blocks of LANES. NaN is never more than anything. Products may be
    fused with sums or not. `best` (LANES,) gets the highest score at each place of a block, -inf
    where there is none; `close` (blocks,) the scores of each block that are at least `near` and
    not more than `over`, as bits.
    """
    numbers = (w_genre, w_cast, over, near)
    assert set(numbers) == {types.float32}
    return types.intp(base, genre, cast, *numbers, scores, best, close), _scan


@vector_code
def at_least(_: Any, row: Any, first: Any, threshold: Any) -> Any:
    """Return which of the LANES numbers of `row` from `first` on are >= `threshold`, as bits."""
    return types.uint64(row, first, threshold), _at_least


@vector_code
def count_bits(_: Any, word: Any) -> Any:
    """Return the number of bits of `word` that are 1."""
    return types.intp(word), lambda _c, builder, _s, args: builder.ctpop(args[0])


@vector_code
def lowest_bit(_: Any, word: Any) -> Any:
    """Return the position of the lowest 1 of `word`, which has one."""
    never_0 = ir.Constant(ir.IntType(1), 1)
    return types.intp(word), lambda _c, builder, _s, args: builder.cttz(args[0], never_0)


def _scan(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    base, genre, cast, scores, best, close = (
        context.make_array(signature.args[k])(context, builder, args[k]) for k in (0, 1, 2, 7, 8, 9)
    )
    w_genre, w_cast, over, near = (_filled(builder, number) for number in args[3:7])
    fuse = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_BLOCK, [_BLOCK] * 3), f"llvm.fmuladd.v{LANES}f32"
    )
    highest = cgutils.alloca_once_value(builder, _filled(builder, _number(float("-inf"))))
    n_over = cgutils.alloca_once_value(builder, ir.Constant(_WORD, 0))
    (n_blocks,) = cgutils.unpack_tuple(builder, close.shape)
    with cgutils.for_range(builder, n_blocks) as loop:
        first = builder.mul(loop.index, ir.Constant(_WORD, LANES))
        parts = (_load(builder, array, first) for array in (base, genre, cast))
        score, match, preference = parts
        score = builder.call(fuse, [w_genre, match, score])
        score = builder.call(fuse, [w_cast, preference, score])
        builder.store(score, _block_at(builder, scores, first), align=4)
        higher = builder.fcmp_ordered(">", score, builder.load(highest))
        builder.store(builder.select(higher, score, builder.load(highest)), highest)
        above = builder.bitcast(builder.fcmp_ordered(">", score, over), _WORD)
        builder.store(builder.add(builder.load(n_over), builder.ctpop(above)), n_over)
        reached = builder.bitcast(builder.fcmp_ordered(">=", score, near), _WORD)
        asked = builder.and_(reached, builder.not_(above))
        builder.store(asked, builder.gep(close.data, [loop.index]))
    builder.store(builder.load(highest), _block_at(builder, best, ir.Constant(_WORD, 0)), align=4)
    return builder.load(n_over)


def _at_least(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    row = context.make_array(signature.args[0])(context, builder, args[0])
    block = _load(builder, row, args[1])
    return builder.bitcast(builder.fcmp_ordered(">=", block, _filled(builder, args[2])), _WORD)


def _load(builder: Any, array: Any, first: Any) -> Any:
    """Load a block of `array`, from position `first` on."""
    return builder.load(_block_at(builder, array, first), align=4)


def _block_at(builder: Any, array: Any, first: Any) -> Any:
    return builder.bitcast(builder.gep(array.data, [first]), _BLOCK.as_pointer())


def _filled(builder: Any, number: Any) -> Any:
    """Return a block of one `number`."""
    empty = ir.Constant(_BLOCK, ir.Undefined)
    one = builder.insert_element(empty, number, ir.Constant(_INDEX, 0))
    first = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
    return builder.shuffle_vector(one, empty, first)


def _number(value: float) -> Any:
    return ir.Constant(ir.FloatType(), value)
