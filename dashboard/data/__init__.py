"""The only door to stored numbers, and the only home of Streamlit's caches. Words about them are in `dashboard.words`.

Keys of caches are run ids and stamps of the stores, never arrays; what needs torch is asked of `dashboard.computing`.
"""

import pandas as pd

# our tables are small: Arrow takes longer for their texts, and leaves the interpreter to other pages at every step
pd.set_option("mode.string_storage", "python")
