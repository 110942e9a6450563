"""ONNX and QONNX files: reading them, and the graph that they hold."""
