"""The pages that are written from the code, one module each: `page()` gives the text."""
