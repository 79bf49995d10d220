"""Planted bugs of arrays of torch, devices, summaries and anomaly mode."""

T_, A_, B_, S_ = (
    f"tests/{n}.py"
    for n in ("test_torch_arrays", "test_anomaly", "test_backend", "nn/test_summary"))
O_, P_, R_, H_, E_ = (
    f"tests/ops/test_{n}.py" for n in ("conv", "pool", "reduce", "shape", "elementwise"))
TORCH = "kernels/torch_kernels.py"
MUTATIONS = [
    ("torch: tanh joint rule of x", TORCH, "_aten.tanh_backward(g, out)",
     "_aten.tanh_backward(g, x)", E_),
    ("torch: softmax joint rule of x", TORCH, "_softmax_backward_data(g, out, axis, x.dtype)]\n\n\n"
     "def log", "_softmax_backward_data(g, x, axis, x.dtype)]\n\n\ndef log", R_),
    ("torch: relu passes at 0", TORCH, "threshold_backward(g, out, 0)",
     "threshold_backward(g, out, -1)", E_),
    ("torch: sum over () is over all", TORCH, "if isinstance(axis, tuple) and not axis:",
     "if False:", R_),
    ("torch: a place named twice receives once", TORCH, "parts, x, accumulate=True)",
     "parts, x, accumulate=False)", H_),
    ("torch: mixed index overwrites", TORCH, "x.reshape(-1), accumulate=True)",
     "x.reshape(-1), accumulate=False)", T_),
    ("torch: negative steps start one off", TORCH, "slice(last - start,",
     "slice(last - start + 1,", T_),
    ("torch: a boolean index takes one axis", TORCH, "        return part.ndim\n",
     "        return 1\n", T_),
    ("torch: dw with the stride of 1", TORCH, "g, x, _shaped(g, shape), None, stride,",
     "g, x, _shaped(g, shape), None, (1, 1),", O_),
    ("torch: padding is averaged", TORCH, "stride, padding, False, True, 1)",
     "stride, padding, False, False, None)", P_),
    ("pool: a NaN in padding wins", "kernels/pool.py", "_pad(x, padding, -np.inf)",
     "_pad(x, padding, 0)", P_),
    ("torch arrays keep their graph", "backend.py", "data.detach().clone()", "data.clone()", B_),
    ("moving shares memory", "backend.py", 'as_tensor(np.array(x))  #', "as_tensor(x)  #", T_),
    ("Tensors of two libraries meet", "core.py", "if len({type(x) for x in arrays}) > 1:",
     "if False:", T_),
    ("out of memory is a ValueError", "core.py",
     "if isinstance(e, RuntimeError) and type(e) is not RuntimeError:", "if False:", T_),
    ("the mask comes from nowhere", "backend.py",
     "torch.Generator(like.device).manual_seed(int(rng.integers(2**63)))",
     "torch.Generator(like.device)", T_),
    ("to: gradients stay behind", "nn/module.py", "value.grad = backend.move(value.grad, device)",
     "pass", T_),
    ("to: buffers stay behind", "nn/module.py",
     "setattr(module, attribute, backend.move(value, device))", "pass", T_),
    ("move: the gradient does not come back", "ops/elementwise.py",
     "move(g, device=backend.device(unwrap(x)))", "g", T_),
    ("anomaly: infinities pass", "anomaly.py", "bad = np.isinf(result)", "return", A_),
    ("anomaly: masks are accused", "anomaly.py", "        if not all(np.isfinite",
     "        if False and not all(np.isfinite", A_),
    ("anomaly: rules are not watched", "core.py", 'observe(f"a rule of', 'str(f"a rule of', A_),
    ("anomaly: stays on", "anomaly.py", "        observers.remove(_check)", "        pass", A_),
    ("summary: groups forgotten", "nn/summary.py",
     "math.prod(out.shape) * math.prod(values[1].shape[1:])",
     "math.prod(out.shape) * math.prod(values[1].shape[2:]) * values[0].shape[1]", S_),
    ("summary: shared parameters twice", "nn/summary.py", "0 if id(layer) in seen else", "", S_),
    ("summary: trains the running statistics", "nn/summary.py", "with evaluating(model), wrapped",
     "with wrapped", S_),
    ("summary: stays watched", "nn/temporary.py", 'vars(layer).pop("forward", None)', "pass", S_),
]
