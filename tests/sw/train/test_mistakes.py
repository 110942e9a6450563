"""What a new user gets wrong in a model of their own: each mistake has its message, with the line,
before the first epoch.
"""

import re
from pathlib import Path

import pytest

from subbit import boards
from subbit.sw.errors import SubbitError
from subbit.sw.ir import Encoding, TensorType
from subbit.sw.train.check import check_model
from subbit.sw.train.model_file import build_model_file
from tests.sw.samples import message

INPUT = TensorType.codes(8, 8, 1, 4, Encoding.UNSIGNED)
HEAD = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
HEAD += "from subbit.layers import *\n\n"

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(
            {0}
        )

    def forward(self, x):
        return self.parts(x)
"""
STEM = "BinaryConv2d(1, 8, padding='zero'), BatchNorm(8), SignActivation(), "


def chain(*lines: str) -> str:
    """A model of these lines of layers; 8 channels of 8x8 pixels come in behind ``+``."""
    rows = [f"{STEM if line[0] == '+' else ''}{line.removeprefix('+')}," for line in lines]
    rows = [f"{row.removesuffix('  #!,')},  #!" if "#!" in row else row for row in rows]
    return NET.format("\n            ".join(rows))


def written(body: str, *more: str) -> str:
    """A model with a forward of its own, behind a stem."""
    rows = "\n        ".join(more)
    steps = "\n        ".join(body.splitlines())
    return f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential({STEM[:-2]})
        self.last = BinaryLinear(512, 10, shared=True)
        {rows}

    def forward(self, x):
        x = self.stem(x)
        {steps}
"""


END = "Flatten(), BinaryLinear(512, 10, shared=True)"
# The model, and what the message says; the line at fault is marked in the model.
MISTAKES: dict[str, tuple[str, str]] = {
    "a word that is none": ("clas Net:  #!\n    pass\n", "invalid syntax; correct the file"),
    "a name that is none": ("x = undefined  #!\n", "NameError: name 'undefined' is not defined"),
    "a file that ends": ("raise SystemExit(1)\n", "ends the program when it is loaded"),
    "no module": ("def helper(x):\n    return x\n", "defines no nn.Module; name a function"),
    "two modules": (
        "class A(nn.Module): ...\nclass B(nn.Module): ...\n",
        "defines 2 modules of torch; name the one to train: ",
    ),
    "an argument without a default": (
        "class Net(nn.Module):\n    def __init__(self, width_of_body): ...\n",
        "Net needs width_of_body; give defaults (only classes, channels",
    ),
    "super().__init__ forgotten": (
        "class Net(nn.Module):\n    def __init__(self):\n        self.a = nn.ReLU()  #!\n",
        "AttributeError: cannot assign module before Module.__init__() call",
    ),
    "a layer that cannot be": (
        chain("CodebookConv2d(1, 8, tau=9)  #!"),
        "a codebook holds 3x3 kernels with tau 1 to 8; not shape (8, 1, 3, 3), tau 9",
    ),
    "a forward that raises": (
        written("raise ValueError('not yet')  #!"),
        "ValueError: not yet; mend the forward of Net",
    ),
    "no forward": (
        "class Net(nn.Module):\n    pass\n",
        'NotImplementedError: Module [Net] is missing the required "forward" function',
    ),
    "channels": (
        chain("+BinaryConv2d(4, 8)  #!", END),
        "layer 'parts.3' (BinaryConv2d): it takes 4 channels and is given 8; make both equal",
    ),
    "inputs": (
        chain("+Flatten(), BinaryLinear(500, 10)  #!"),
        "layer 'parts.4' (BinaryLinear): it takes 500 inputs and is given 512; make both equal",
    ),
    "features": (
        chain("+nn.BatchNorm2d(4)  #!", END),
        "layer 'parts.3' (BatchNorm2d): it takes 4 channels and is given 8",
    ),
    "no flatten": (
        chain("+BinaryLinear(512, 10)  #!"),
        "layer 'parts.3' (BinaryLinear): its input is a map, (2, 8, 8, 8); put Flatten before it",
    ),
    "a map that is too small": (
        chain("+MaxPool2d(), MaxPool2d(), BinaryConv2d(8, 8)  #!", END),
        "layer 'parts.5' (BinaryConv2d): Calculated padded input size per channel: (2 x 2)",
    ),
    "the batch flattened away": (
        written("return self.other(x.flatten())", "self.other = BinaryLinear(512, 10)  #!"),
        "its input has the shape (1024,) for 2 images: the batch is lost; keep it as the first",
    ),
    "the batch lost at the end": (
        written("return self.last(x.flatten(1))[0]"),
        "its result has the shape (10,) for 2 images: the batch is lost",
    ),
    "two results": (
        written("return self.last(x.flatten(1)), x"),
        "Net returns tuple; its forward must return the logits alone",
    ),
    "a class for a result": (
        written("return self.last(x.flatten(1)).argmax(1)"),
        "return the logits, not the class",
    ),
    "a map for a result": (
        chain("+BinaryConv2d(8, 10)"),
        "give one number for each class, (batch, classes): flatten the map, or average it",
    ),
    "classes": (
        chain("+Flatten(), BinaryLinear(512, 12)"),
        "12 logits, and the data have 10 classes; make the last layer give 10",
    ),
    "a float convolution in the middle": (
        chain("+nn.Conv2d(8, 8, 3, padding=1)  #!", "BatchNorm(8), SignActivation()", END),
        "layer 'parts.3' (Conv2d) is a float layer: its weights are real numbers, and hardware",
    ),
    "a float linear layer at the end": (
        chain("+Flatten()", "nn.Linear(512, 10)  #!"),
        "layer 'parts.4' (Linear) is a float layer",
    ),
    "no gradient": (
        written(
            "x = torch.sign(self.middle(x) + 0.5)\nreturn self.last(x.flatten(1))",
            "self.middle = BinaryConv2d(8, 8, padding='zero')  #!",
        ),
        "layer 'middle' (BinaryConv2d) does not learn: no gradient reaches its weights",
    ),
    "a layer of another world": (
        chain("+nn.LocalResponseNorm(2)  #!", "SignActivation()", END),
        "node 'parts.3' (LocalResponseNorm): there is no rule for it; replace it",
    ),
    "no activation between": (
        chain("+BinaryConv2d(8, 8, padding='zero')", "BinaryConv2d(8, 8, padding='zero')  #!", END),
        "node 'parts.4' (BinaryConv2d): its input is not quantised: there is no activation",
    ),
    "a ReLU without a quantiser": (
        chain(
            "+BinaryConv2d(8, 8, padding='zero'), BatchNorm(8), nn.ReLU()",
            "BinaryConv2d(8, 8, padding='zero')  #!",
            END,
        ),
        "node 'parts.6' (BinaryConv2d): its input is not quantised: there is no activation",
    ),
    "a kernel that hardware has not": (
        chain("+BinaryConv2d(8, 8, 13, padding='zero')  #!", "SignActivation()", END),
        "node 'parts.3' (BinaryConv2d): a convolution has weights (out, in, rows, columns) with "
        "kernels of 1 to 11",
    ),
    "a stride that hardware has not": (
        chain("+BinaryConv2d(8, 8, stride=5)  #!", "SignActivation(), Flatten()").replace(
            "Flatten(),", "Flatten(), BinaryLinear(32, 10),"
        ),
        "node 'parts.3' (BinaryConv2d): the stride of a convolution",
    ),
    "a pooling that hardware has not": (
        chain("+nn.MaxPool2d(9, 1, 4)  #!", END),
        "node 'parts.3' (MaxPool2d): ",
    ),
    "padding of another width": (
        chain(
            "+BatchNorm(8), QuantActivation(3)",
            "BinaryConv2d(8, 8, padding='minus')  #!",
            "BatchNorm(8), SignActivation()",
            END,
        ),
        "a convolution pads codes of 3 bits as if they had 1; build it with input_bits=3",
    ),
    "an average of reals": (
        chain(
            "+BinaryConv2d(8, 8, padding='zero'), BatchNorm(8)",
            "AvgPool2d(2)  #!",
            "SignActivation(), Flatten(), BinaryLinear(128, 10)",
        ),
        "node 'parts.5' (AvgPool2d): it sums integers, and before it is a real factor",
    ),
    "a sum of reals": (
        written(
            "x = self.sign(self.middle(x) + x)  #!\nreturn self.last(x.flatten(1))",
            "self.middle, self.sign = BinaryConv2d(8, 8, padding='zero'), SignActivation()",
        ),
        "node 'add' (add): it adds dot products that have real factors; build their layers with",
    ),
    "a sum of two shapes": (
        written(
            "y = self.middle(x)\nx = self.sign(y + x[:, :, ::2, ::2])  #!\n"
            "return self.other(x.flatten(1))",
            "self.middle = BinaryConv2d(8, 8, stride=2, padding='zero', integers=True)",
            "self.sign = nn.Sequential(BatchNorm(8), SignActivation())",
            "self.other = BinaryLinear(128, 10)",
        ),
        "node 'getitem' (getitem): it takes parts of side 2 of 1x8x8",
    ),
    "sums of too many bits": (
        chain(
            "QuantConv2d(1, 8, bits=8, padding='zero'), BatchNorm(8), QuantActivation(8)",
            "QuantConv2d(8, 64, 5, bits=8, padding='zero', integers=True), GlobalAvgPool()  #!",
            "Flatten(), BatchNorm(64), SignActivation(), BinaryLinear(64, 10)",
        ),
        "beyond the 24 bits that are exact in a float module",
    ),
    "control flow by the data": (
        written("if x.sum() > 0:  #!\n    x = -x\nreturn self.last(x.flatten(1))"),
        "torch.fx cannot trace Net (symbolically traced variables cannot be used as inputs to",
    ),
    "a Softmax at the end": (
        chain(f"+{END}, nn.Softmax(1)"),
        "ends in a Softmax or a choice; training takes the logits themselves: leave it out",
    ),
    "an activation at the end": (
        chain(f"+{END}, SignActivation()"),
        "ends in an activation, so that most logits are equal; leave the last activation out",
    ),
    "too large for the board": (
        chain(
            "+Flatten(), BinaryLinear(512, 1024), BatchNorm(1024), SignActivation()",
            "BinaryLinear(1024, 10)",
        ),
        "does not fit icebreaker: ",
    ),
}


def found(path: Path, text: str) -> str:
    """The message on a model in a file."""
    path.write_text(HEAD + text)

    def check() -> object:
        built = build_model_file(str(path), INPUT, 10, 1)
        return check_model(
            *(built.module, INPUT, 10), places=built.places, board=boards.board("icebreaker")
        )

    return message(check, SubbitError)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_message_and_line(name: str, tmp_path: Path) -> None:
    model, expected = MISTAKES[name]
    path = tmp_path / "my_model.py"
    text = found(path, model)
    assert expected in text
    assert "\n" not in text
    assert len(text) < 600
    lines = [n for n, line in enumerate((HEAD + model).splitlines(), 1) if "#!" in line]
    if not lines and "result" in text and "forward(self" in model:
        lines = [(HEAD + model).partition("    def forward")[0].count("\n") + 1]
    if lines:
        assert re.match(re.escape(f"{path}:{lines[0]}: "), text), text


def test_each_mistake_has_a_message_of_its_own() -> None:
    texts = [text for _, text in MISTAKES.values()]
    assert len(texts) - len(set(texts)) <= 1
    assert len(texts) >= 35


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "my_model.py"

    def build(text: str) -> str:
        return message(lambda: build_model_file(text, INPUT, 10, 1), SubbitError)

    assert build(str(path)) == f"there is no file {path}; name a Python file, as in my_model.py:Net"
    path.write_text(HEAD + chain(END) + "\nnumber = 3\n\ndef none():\n    return 4\n")
    assert build(f"{path}:Other") == f"{path} has no 'Other'; it has Net"
    assert build(f"{path}:number").startswith(f"{path}: number is of type int; name an nn.Module")
    assert build(f"{path}:none") == f"{path}: none returns int; it must return an nn.Module"
