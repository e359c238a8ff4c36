"""Prints the arguments of each PauseSandbox that a program makes, as JSON. What is known only when it runs is {"later": its code}."""

import ast
import json
import sys


def value(node):
    match node:
        case ast.Dict():
            return {key.value: value(item) for key, item in zip(node.keys, node.values)}
        case ast.List():
            return [value(item) for item in node.elts]
        case ast.Constant():
            return node.value
        case _:
            return {"later": ast.unparse(node)}


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".PauseSandbox"):
            yield {argument.arg: value(argument.value) for argument in node.keywords}


with open(sys.argv[1], encoding="utf-8") as program:
    print(json.dumps(list(calls(ast.parse(program.read())))))
