"""What runs in the computing process (`dashboard.computing.process`): torch is loaded here, Streamlit never is.

Arguments and results are plain data. What a function remembers between questions (networks, images, previews) it can
compute again from its arguments: the process may end at any time.
"""
