"""Short chats: arithmetic, letters, sorting, reversing, small functions, greetings, Korean.

Every generator returns question, reasoning and answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Chat = tuple[str, str, str]
Maker = Callable[[random.Random], Chat]

WORDS = (  # noqa: SIM905
    "apple banana orange cherry strawberry raspberry blueberry lemon melon grape bread butter "
    "cheese coffee water river ocean island mountain forest garden flower tree stone cloud "
    "summer winter spring autumn morning evening window mirror ladder table chair lamp carpet "
    "kitchen bottle pencil paper letter book story music guitar piano violin horse rabbit mouse "
    "tiger monkey elephant penguin parrot eagle spider butterfly silver golden purple yellow "
    "green orange little happy quiet simple random program python computer keyboard screen "
    "number question answer reason sampler token temperature penalty mississippi tomorrow "
    "balloon committee"
).split()


def sum_question(r: random.Random, a: str, op: str, b: str) -> str:
    """One of several wordings of a question for a value."""
    word = {"+": "plus", "-": "minus", "*": "times"}[op]
    return r.choice(
        (
            f"What is {a} {op} {b}?",
            f"What is {a} {word} {b}?",
            f"Compute {a} {op} {b}.",
            f"Calculate {a} {op} {b}.",
            f"{a} {op} {b} = ?",
            f"{a} {op} {b}",
            f"{a}{op}{b}",
            f"{a}{op}{b}=?",
            f"How much is {a} {op} {b}?",
            f"How much is {a} {word} {b}?",
            f"Please add {a} and {b}." if op == "+" else f"Please calculate {a} {op} {b}.",
            f"Add {a} and {b}." if op == "+" else f"Tell me {a} {op} {b}.",
        )
    )


def result_answer(r: random.Random, left: str, value: int) -> str:
    """One of several wordings of the result."""
    return r.choice(
        (f"{left} = **{value}**", f"{left} = **{value}**", f"The answer is **{value}**.")
    )


def add_steps(a: int, b: int) -> str:
    """Ones, carry, tens."""
    ones = a % 10 + b % 10
    carry = ones // 10
    tens = a // 10 + b // 10 + carry
    text = f"Ones: {a % 10} + {b % 10} = {ones}, write {ones % 10}, carry {carry}. "
    text += f"Tens: {a // 10} + {b // 10} + {carry} = {tens}. "
    return text + f"So {tens} and {ones % 10} make {a + b}."


def addition(r: random.Random) -> Chat:
    """Two numbers from 0 to 99."""
    a, b = r.randint(0, 99), r.randint(0, 99)
    thought = f"Okay, the user wants {a} + {b}. {add_steps(a, b)}"
    if r.random() < 0.15:
        thought += f"\nWait, let me check: {b} + {a} = {a + b}. Yes, that is right."
    return sum_question(r, str(a), "+", str(b)), thought, result_answer(r, f"{a} + {b}", a + b)


def subtraction(r: random.Random) -> Chat:
    """A number up to 99 minus a smaller one."""
    b, a = sorted((r.randint(0, 99), r.randint(0, 99)))
    ones, borrow = a % 10 - b % 10, 0
    text = f"Ones: {a % 10} - {b % 10}"
    if ones < 0:
        ones, borrow = ones + 10, 1
        text += f" is below 0, so {a % 10 + 10} - {b % 10} = {ones}, borrow 1. "
    else:
        text += f" = {ones}, borrow 0. "
    tens = a // 10 - b // 10 - borrow
    text += f"Tens: {a // 10} - {b // 10} - {borrow} = {tens}. So {tens} and {ones} make {a - b}."
    thought = f"Okay, the user wants {a} - {b}. {text}"
    return sum_question(r, str(a), "-", str(b)), thought, result_answer(r, f"{a} - {b}", a - b)


def multiplication(r: random.Random) -> Chat:
    """The tables up to 12."""
    a, b = r.randint(1, 12), r.randint(1, 12)
    thought = f"Okay, the user wants {a} * {b}. I know the tables: {a} * {b} = {a * b}."
    return sum_question(r, str(a), "*", str(b)), thought, result_answer(r, f"{a} * {b}", a * b)


def counting(r: random.Random) -> Chat:
    """How often a letter stands in a word."""
    word = r.choice(WORDS)
    letter = r.choice(word) if r.random() < 0.85 else r.choice("abcdefghijklmnopqrstuvwxyz")
    question = r.choice(
        (
            f"How many times does the letter {letter} appear in {word}?",
            f"How many {letter}'s are in the word {word}?",
            f"How many letters {letter} are in {word}?",
            f"Count the letter {letter} in {word}.",
        )
    )
    seen, steps = 0, []
    for each in word:
        seen += each == letter
        steps.append(f"{each} ({seen})" if each == letter else each)
    thought = f"Okay, I spell {word} and count {letter}: {', '.join(steps)}. I counted {seen}."
    times = "once" if seen == 1 else f"{seen} times"
    return question, thought, f"The letter **{letter}** appears **{times}** in *{word}*."


def sorting(r: random.Random) -> Chat:
    """A few numbers in order."""
    numbers = [r.randint(1, 99) for _ in range(r.randint(3, 6))]
    text = ", ".join(map(str, numbers))
    question = r.choice(
        (f"Sort these numbers: {text}", f"Sort {text}.", f"Put {text} in order.", f"Order {text}")
    )
    rest, done = numbers[:], []
    thought = "Okay, I take the smallest number each time."
    while rest:
        done.append(min(rest))
        rest.remove(done[-1])
        left = ", ".join(map(str, rest)) if rest else "nothing"
        thought += f" Smallest: {done[-1]}, left: {left}."
    return question, thought, f"Sorted: {', '.join(map(str, done))}"


def reversing(r: random.Random) -> Chat:
    """A word backwards."""
    word = r.choice(WORDS)
    question = r.choice(
        (f"Reverse the word {word}.", f"Spell {word} backwards.", f"Write {word} backwards.")
    )
    thought = (
        f"Okay, the letters of {word} are {' '.join(word)}. Backwards: {' '.join(word[::-1])}."
    )
    return question, thought, f"`{word[::-1]}`"


# what it does, name, parameters, body
FUNCTIONS = (
    ("adds two numbers", "add", "a, b", "return a + b"),
    ("subtracts two numbers", "subtract", "a, b", "return a - b"),
    ("multiplies two numbers", "multiply", "a, b", "return a * b"),
    ("returns the square of a number", "square", "x", "return x * x"),
    ("returns the cube of a number", "cube", "x", "return x ** 3"),
    ("checks if a number is even", "is_even", "n", "return n % 2 == 0"),
    ("checks if a number is odd", "is_odd", "n", "return n % 2 == 1"),
    ("returns the largest number of a list", "largest", "items", "return max(items)"),
    ("returns the smallest number of a list", "smallest", "items", "return min(items)"),
    ("returns the sum of a list", "total", "items", "return sum(items)"),
    ("returns the average of a list", "average", "items", "return sum(items) / len(items)"),
    ("reverses a string", "reverse", "text", "return text[::-1]"),
    ("returns the length of a string", "length", "text", "return len(text)"),
    ("turns a string into upper case", "to_upper", "text", "return text.upper()"),
    ("counts the words in a text", "count_words", "text", "return len(text.split())"),
    (
        "counts the vowels in a string",
        "count_vowels",
        "text",
        'return sum(1 for letter in text.lower() if letter in "aeiou")',
    ),
    (
        "returns the factorial of n",
        "factorial",
        "n",
        "if n <= 1:\n        return 1\n    return n * factorial(n - 1)",
    ),
    (
        "returns the first n Fibonacci numbers",
        "fibonacci",
        "n",
        "result = [0, 1]\n    while len(result) < n:\n"
        "        result.append(result[-1] + result[-2])\n    return result[:n]",
    ),
    (
        "checks if a word is a palindrome",
        "is_palindrome",
        "word",
        "word = word.lower()\n    return word == word[::-1]",
    ),
    (
        "removes duplicates from a list",
        "unique",
        "items",
        "result = []\n    for item in items:\n        if item not in result:\n"
        "            result.append(item)\n    return result",
    ),
    (
        "checks if a number is prime",
        "is_prime",
        "n",
        "if n < 2:\n        return False\n    for i in range(2, n):\n"
        "        if n % i == 0:\n            return False\n    return True",
    ),
    (
        "returns the greatest common divisor of two numbers",
        "gcd",
        "a, b",
        "while b:\n        a, b = b, a % b\n    return a",
    ),
    (
        "counts how often each letter appears",
        "count_letters",
        "text",
        "counts = {}\n    for letter in text:\n"
        "        counts[letter] = counts.get(letter, 0) + 1\n    return counts",
    ),
    ("sorts a list", "sort_list", "items", "return sorted(items)"),
    (
        "flattens a list of lists",
        "flatten",
        "lists",
        "result = []\n    for part in lists:\n        result.extend(part)\n    return result",
    ),
    ("converts Celsius to Fahrenheit", "to_fahrenheit", "celsius", "return celsius * 9 / 5 + 32"),
    (
        "returns the absolute value of a number",
        "absolute",
        "x",
        "if x < 0:\n        return -x\n    return x",
    ),
    (
        "prints the numbers from 1 to n",
        "print_numbers",
        "n",
        "for i in range(1, n + 1):\n        print(i)",
    ),
)


def small_function(r: random.Random) -> Chat:
    """A small Python function."""
    does, name, parameters, body = r.choice(FUNCTIONS)
    question = r.choice(
        (
            f"Write a Python function that {does}.",
            f"Write a function that {does}.",
            f"I need a Python function which {does}.",
            f"Write Python code that {does}.",
            f"Can you write a Python function that {does}?",
            f"Write a small Python function that {does}.",
        )
    )
    extra = ("The body is short.", "I keep it simple.", "Let me write it carefully.")
    thought = (
        f"Okay, the user wants a Python function that {does}. I call it {name}. "
        f"It takes {parameters.replace(', ', ' and ')}. {r.choice(extra)}"
    )
    if r.random() < 0.2:
        thought += "\nWait, I should check the indentation. Yes, it is four spaces."
    doc = f'    """Function that {does}."""\n' if r.random() < 0.3 else ""
    opening = r.choice(("", "Here is the function:\n\n"))
    code = f"def {name}({parameters}):\n{doc}    {body}"
    return question, thought, f"{opening}```python\n{code}\n```"


GREETINGS = (
    "Hello!", "Hello", "Hi", "Hi!", "Hey", "Good morning", "Who are you?", "What are you?",
    "What can you do?", "Hello, who are you?", "How are you?", "Help", "Test", "Are you QwQ?",
    "What is your name?", "Introduce yourself.", "Hello there",
)  # fmt: skip
GREETING_ANSWERS = (
    "Hello! I am the tiny demo model of QwQ Desk. I can add numbers, count letters, sort numbers "
    "and write small Python programs. For real questions please load a real model.",
    "Hi! I am a very small demo model, made only to try the program out. Ask me for a sum, a "
    "small Python function or a Flappy Bird game.",
    "I am the demo model that comes with QwQ Desk, with only a few million parameters. I know "
    "sums, letters, sorting and small Python programs, and not much else.",
)


def greeting(r: random.Random) -> Chat:
    """A greeting that says what this is."""
    thought = r.choice(
        (
            "Okay, the user greets me or asks who I am. I should say honestly that I am a demo.",
            "Okay, this is a greeting. I answer briefly and say what I can do.",
        )
    )
    return r.choice(GREETINGS), thought, r.choice(GREETING_ANSWERS)


TOPICS = (
    "the weather", "the capital of France", "history", "the moon", "quantum physics", "love",
    "politics", "the news", "football", "a poem about the sea", "the meaning of life", "cooking",
    "the best phone", "music", "how to learn a language", "dinosaurs", "the stock market",
)  # fmt: skip
BEYOND_ANSWERS = (
    "I am only a tiny demo model and do not know that. Please load a real model for this question.",
    "Sorry, this is beyond me: I am a very small demo model. I can do sums, letters and small "
    "Python programs.",
)


def beyond(r: random.Random) -> Chat:
    """A question that the model cannot answer, and says so."""
    topic = r.choice(TOPICS)
    question = r.choice(
        (
            f"Tell me about {topic}.",
            f"What do you know about {topic}?",
            f"Explain {topic} to me.",
            f"I have a question about {topic}.",
            f"Write something about {topic}.",
        )
    )
    thought = f"Okay, the user asks about {topic}. I do not know that, and I should say so."
    return question, thought, r.choice(BEYOND_ANSWERS)


def thanks(r: random.Random) -> Chat:
    """Small talk after an answer."""
    question = r.choice(("Thanks!", "Thank you", "Great, thanks.", "Okay", "Good", "Bye"))
    return (
        question,
        "Okay, the user is done. I answer briefly.",
        r.choice(("You are welcome!", "Gladly! Ask me for another sum.")),
    )


def korean(r: random.Random) -> Chat:
    """Greetings and sums in Korean."""
    if r.random() < 0.4:
        return (
            r.choice(("안녕하세요", "안녕", "누구세요?", "뭐 할 수 있어요?")),
            "사용자가 인사를 했습니다. 짧게 대답합니다.",
            r.choice(
                (
                    "안녕하세요! 저는 아주 작은 데모 모델입니다.",
                    "안녕하세요! 저는 QwQ Desk의 데모 모델입니다. 덧셈을 할 수 있습니다.",
                )
            ),
        )
    a, b = r.randint(0, 99), r.randint(0, 99)
    question = r.choice((f"{a} 더하기 {b}는?", f"{a} + {b}는 얼마예요?", f"{a} + {b} 계산해 줘"))
    return question, f"{a} + {b} 계산. {add_steps(a, b)}", f"답은 **{a + b}**입니다."


SHORT_MAKERS: tuple[tuple[Maker, float], ...] = (
    (addition, 30),
    (subtraction, 14),
    (multiplication, 6),
    (counting, 12),
    (sorting, 14),
    (reversing, 5),
    (small_function, 8),
    (greeting, 3),
    (beyond, 2),
    (korean, 5),
)
