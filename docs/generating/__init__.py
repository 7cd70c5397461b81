"""What is written from the code: a page a module, whose text is its `page()`; alerts are a part of one."""
