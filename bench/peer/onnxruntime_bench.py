# bench/peer/onnxruntime_bench.py: ONNX Runtime's inference of one exported network (export_onnx.py), as one JSON line
import timing


def main():
    parser = timing.options(["infer"])
    parser.add_argument("--file", required=True, help="as given to export_onnx.py")
    o = parser.parse_args()
    import numpy
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = o.threads, 1
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(o.file + ".onnx", settings, providers=["CPUExecutionProvider"])
    stored = numpy.load(o.file + ".npz")
    feed, expected = {"x": stored["x"]}, stored["y"]
    error = float(abs(session.run(None, feed)[0] - expected).max() / abs(expected).max())
    assert error < 1e-3, f"{o.model}: ONNX Runtime is {error} from PyTorch"
    timing.measure(o, "onnxruntime", onnxruntime.__version__, lambda: float(session.run(None, feed)[0][0, 0]),
                   difference_to_pytorch=error)


if __name__ == "__main__":
    main()
