"""What Python cannot say of machine code: each function has its plain meaning, and a compiled one of its own."""
